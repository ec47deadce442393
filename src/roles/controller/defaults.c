/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "roles/controller/defaults.h"

#include "model/layer.h"
#include "model/txn.h"

/*
 * LINSTOR: properties of a new cluster, as clients find them. Those of NetCom are of listeners that only the reference
 * has; here nothing reads them.
 */
/* clang-format off */
static const char *const props[][2] = {
    { "DrbdOptions/AutoEvictAllowEviction",          "True" },
    { "DrbdOptions/auto-add-quorum-tiebreaker",      "True" },
    { "DrbdOptions/auto-diskful-allow-cleanup",      "True" },
    { "DrbdOptions/auto-resync-after-disable",       "true" },
    { "DrbdOptions/auto-verify-algo-allowed-list",   "crct10dif;crc32c;sha384;sha512;sha256;sha1;md5;windrbd" },
    { "NetCom/DebugSslConnector/BindAddress",        "::0" },
    { "NetCom/DebugSslConnector/Enabled",            "true" },
    { "NetCom/DebugSslConnector/KeyPasswd",          "linstor" },
    { "NetCom/DebugSslConnector/KeyStore",           "ssl/keystore.jks" },
    { "NetCom/DebugSslConnector/KeyStorePasswd",     "linstor" },
    { "NetCom/DebugSslConnector/Port",               "3373" },
    { "NetCom/DebugSslConnector/SslProtocol",        "TLSv1.2" },
    { "NetCom/DebugSslConnector/TrustStore",         "ssl/certificates.jks" },
    { "NetCom/DebugSslConnector/TrustStorePasswd",   "linstor" },
    { "NetCom/DebugSslConnector/Type",               "SSL" },
    { "NetCom/PlainConnector/BindAddress",           "" },
    { "NetCom/PlainConnector/Enabled",               "true" },
    { "NetCom/PlainConnector/Port",                  "3376" },
    { "NetCom/PlainConnector/Type",                  "Plain" },
    { "NetCom/SslConnector/BindAddress",             "" },
    { "NetCom/SslConnector/Enabled",                 "true" },
    { "NetCom/SslConnector/KeyPasswd",               "linstor" },
    { "NetCom/SslConnector/KeyStore",                "ssl/keystore.jks" },
    { "NetCom/SslConnector/KeyStorePasswd",          "linstor" },
    { "NetCom/SslConnector/Port",                    "3377" },
    { "NetCom/SslConnector/SslProtocol",             "TLSv1.2" },
    { "NetCom/SslConnector/TrustStore",              "ssl/certificates.jks" },
    { "NetCom/SslConnector/TrustStorePasswd",        "linstor" },
    { "NetCom/SslConnector/Type",                    "SSL" },
    { "defaultDebugSslConnector",                    "DebugSslConnector" },
    { "defaultPlainConSvc",                          "PlainConnector" },
    { "defaultSslConSvc",                            "" },
};
/* clang-format on */

#define CLUSTER_KEY "Cluster/LocalID" /* in the same transaction as all others */

bool defaults_are_made(const struct model *model)
{
    return text_map_find(&model_root(model)->props, CLUSTER_KEY) != NULL;
}

static void make_group(struct txn *txn, const struct object *root)
{
    struct resource_group *group;
    char key[OBJECT_KEY_SIZE];

    (void)model_key("DfltRscGrp", key);
    group = txn_new(txn, KIND_RESOURCE_GROUP, root, NULL, key);
    group->name = arena_strdup(txn_arena(txn), "DfltRscGrp");
    group->filter.place_count = (struct maybe_i32)MAYBE(2);
}

void defaults_make(struct model *model)
{
    static const char *const pools[] = { "DfltStorPool", PROVIDER_DISKLESS_POOL };
    struct txn *txn = txn_begin(model);
    const struct object *root = model_root(model);
    struct controller *controller = txn_edit(txn, root);
    char key[OBJECT_KEY_SIZE];

    for (size_t i = 0; i < ARRAY_SIZE(props); i++)
        text_map_set(&controller->object.props, props[i][0], props[i][1], txn_arena(txn));
    text_map_set(&controller->object.props, CLUSTER_KEY, root->uuid, txn_arena(txn));
    text_map_set(&controller->satellite_props, "DrbdOptions/Resource/on-no-quorum", "io-error", txn_arena(txn));
    for (size_t i = 0; i < ARRAY_SIZE(pools); i++) {
        struct storage_pool_definition *definition;

        (void)model_key(pools[i], key);
        if (model_find_pool_definition(model, pools[i]) ||
            model_find_unreadable(model, KIND_STORAGE_POOL_DEFINITION, key))
            continue; /* a node that was made meanwhile has brought it */
        definition = txn_new(txn, KIND_STORAGE_POOL_DEFINITION, root, NULL, key);
        definition->name = arena_strdup(txn_arena(txn), pools[i]);
    }
    (void)model_key("DfltRscGrp", key);
    if (!model_find_group(model, "DfltRscGrp") && !model_find_unreadable(model, KIND_RESOURCE_GROUP, key))
        make_group(txn, root);
    txn_commit(txn);
}
