/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "model/inherit.h"
#include "reference.h"

static const struct {
    enum prop_order order;
    const char *row;    /* how the row of the reference's table begins */
    const char *levels; /* in its abbreviations */
} orders[] = {
    { ORDER_STORAGE_POOL_NAME, "| `StorPoolName` of a volume |", "R, VD, RD, RG, Node" },
    { ORDER_METADATA_POOL_NAME, "| DRBD external meta pool", "VD, VG, R, RD, RG, Node" },
    { ORDER_METADATA_POOL_NEEDED, NULL, "VD, R, RD, RG, Node" },
    { ORDER_CACHE_LAYERS, "| Writecache / Cache / BCache", "VD, VG, R, RD, RG, Node, STLT" },
    { ORDER_WRITECACHE_OPTIONS, NULL, "V, VD, RD, VG, RG, Node, STLT" },
    { ORDER_LAYER_SIZE, "| Layer size calculation", "VD, VG, R, RD, RG, Node, STLT" },
    { ORDER_STORAGE_DRIVER, "| LVM/ZFS/file/EBS", "V, R, SP, Node, VD, RD, VG, RG, STLT" },
    { ORDER_AGREED, NULL, "VD" },
    { ORDER_LUKS, "| LUKS options", "V, R, SP, Node, VD, RD, VG, RG, STLT" },
    { ORDER_SKIP_DISK, "| SkipDisk |", "R, SP, Node, RD, STLT" },
    { ORDER_FILE_SYSTEM, "| mkfs", "R, VD, VG, RD, RG" },
    { ORDER_NVME, "| NVMe", "RD, RG, STLT" },
    { ORDER_NVME_NIC, NULL, "V, SP, R, Node, STLT" },
    { ORDER_AUTOPLACE_NODE, "| AutoPlaceTarget |", "Node, CTRL" },
    { ORDER_AUTOPLACE_POOL, NULL, "SP" },
    { ORDER_MIN_THIN_FREE_SPACE, "| MinThinFreeSpace |", "SP, RD, RG, Node, CTRL" },
    { ORDER_OVERSUBSCRIPTION, "| Oversubscription ratios |", "SP, SPD, CTRL" },
    { ORDER_DEFINITION_CONTROLLER, "| auto-add-quorum-tiebreaker", "RD, RG, CTRL" },
    { ORDER_DEFINITION_SATELLITES, "| ForceInitialSync", "RD, RG, STLT" },
    { ORDER_NODE_CONTROLLER, "| AutoEvictAfterTime", "Node, CTRL" },
    { ORDER_AUTO_DISKFUL, "| auto-diskful |", "R, Node, RD, RG, STLT, CTRL" },
    { ORDER_AUTO_BLOCK_SIZE, "| auto-block-size |", "VD, RD, VG, RG, CTRL" },
    { ORDER_ZFS_CLONE, "| UseZFSClone", "RG, CTRL" },
    { ORDER_PROXY_AUTO_ENABLE, "| DrbdProxy/AutoEnable |", "rscConn, R, RD, Node, CTRL" },
    { ORDER_CONNECTION, "| connection options", "VolumeConn, RscConn, NodeConn" },
};

static const char *const abbreviations[LEVEL_COUNT] = {
    [LEVEL_VOLUME] = "V",
    [LEVEL_RESOURCE] = "R",
    [LEVEL_VOLUME_DEFINITION] = "VD",
    [LEVEL_RESOURCE_DEFINITION] = "RD",
    [LEVEL_VOLUME_GROUP] = "VG",
    [LEVEL_RESOURCE_GROUP] = "RG",
    [LEVEL_STORAGE_POOL] = "SP",
    [LEVEL_STORAGE_POOL_DEFINITION] = "SPD",
    [LEVEL_NODE] = "Node",
    [LEVEL_CONTROLLER] = "CTRL",
    [LEVEL_SATELLITES] = "STLT",
    [LEVEL_VOLUME_CONNECTION] = "VolumeConn",
    [LEVEL_RESOURCE_CONNECTION] = "RscConn",
    [LEVEL_NODE_CONNECTION] = "NodeConn",
};

static void test_orders(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_SIZE(orders), ORDER_COUNT);
    for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
        char text[128] = "";
        size_t count;
        const enum prop_level *levels = prop_order_levels(orders[i].order, &count);
        assert_int_equal(orders[i].order, i);
        assert_true(count > 0);
        for (size_t l = 0; l < count; l++) {
            for (size_t other = 0; other < l; other++)
                assert_int_not_equal(levels[l], levels[other]);
            strcat(strcat(text, l ? ", " : ""), abbreviations[levels[l]]);
            assert_non_null(prop_level_text(levels[l]));
        }
        if (!text_equal_fold(text, orders[i].levels))
            fail_msg("%s: not %s", text, orders[i].levels);
    }
}

/* Keeps what the table calls levels: capital letters and names, without what is told in brackets. */
static void clean_up(const char *from, char *to, size_t size)
{
    size_t length = 0;
    int depth = 0;
    for (; *from && *from != ';' && *from != '|' && length + 1 < size; from++) {
        depth += *from == '(';
        if (depth == 0)
            to[length++] = *from;
        depth -= *from == ')' && depth > 0;
    }
    to[length] = '\0';
}

/* Removes every occurrence of part. */
static void drop(char *text, const char *part)
{
    for (char *at; (at = strstr(text, part));)
        memmove(at, at + strlen(part), strlen(at + strlen(part)) + 1);
}

static void test_against_reference(void **state)
{
    (void)state;
    struct buf document = { 0 };
    if (text_read_file("../shared/reference/controller.md", 1 << 20, &document) != 0) {
        print_message("skipped: ../shared/reference/controller.md is absent\n");
        skip();
    }
    for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
        if (!orders[i].row)
            continue;
        const char *row = strstr(buf_text(&document), orders[i].row);
        if (!row)
            fail_msg("no row '%s'", orders[i].row);
        const char *cell = strchr(row + 2, '|');
        char text[256];
        clean_up(cell + 2, text, sizeof(text));
        static const char *const noise[] = { " src",   ", R dst", ", Node dst",
                                             " alone", " of R",   ", then generic RD/RG/ctrl sections" };
        for (size_t n = 0; n < ARRAY_SIZE(noise); n++)
            drop(text, noise[n]);
        text[strcspn(text, "\xe2")] = '\0'; /* a dash, behind which a remark stands */
        while (text[0] && text[strlen(text) - 1] == ' ')
            text[strlen(text) - 1] = '\0';
        if (!text_equal_fold(text, orders[i].levels))
            fail_msg("'%s': '%s', not '%s'", orders[i].row, orders[i].levels, text);
    }
    buf_done(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_against_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
