/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The numbers that an answer's ret_code is composed of, under the names that client libraries know them by:
 *
 *     bits 62-63  kind of entry (MASK_ERROR, ...)      bits 18-22  object (MASK_NODE, ...)
 *     bits 24-25  operation (MASK_CRT, ...)            bits  0-14  what happened (FAIL_..., WARN_..., INFO_..., ...)
 *
 * A code already holds the kind of its entry, so errors and warnings are negative numbers. Composing answers is not
 * done here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* clang-format off */
/* name, value */
#define RC_KINDS(X) \
    X(MASK_SUCCESS, 0) \
    X(MASK_INFO, INT64_C(0x4000000000000000)) \
    X(MASK_WARN, (-INT64_C(0x7fffffffffffffff) - 1)) \
    X(MASK_ERROR, (-INT64_C(0x4000000000000000)))
#define RC_OPERATIONS(X) X(MASK_CRT, 0x1000000) X(MASK_MOD, 0x2000000) X(MASK_DEL, 0x3000000)
#define RC_OBJECTS(X) \
    X(MASK_REMOTE, 0x40000) X(MASK_BACKUP, 0x80000) X(MASK_SNAPSHOT, 0xc0000) X(MASK_CTRL_CONF, 0x100000) \
    X(MASK_STOR_POOL, 0x140000) X(MASK_STOR_POOL_DFN, 0x180000) X(MASK_NET_IF, 0x1c0000) \
    X(MASK_VLM_CONN, 0x200000) X(MASK_RSC_CONN, 0x240000) X(MASK_NODE_CONN, 0x280000) X(MASK_VLM, 0x2c0000) \
    X(MASK_VLM_DFN, 0x300000) X(MASK_RSC, 0x340000) X(MASK_RSC_DFN, 0x380000) X(MASK_NODE, 0x3c0000) \
    X(MASK_KVS, 0x400000) X(MASK_RSC_GRP, 0x440000) X(MASK_VLM_GRP, 0x480000) X(MASK_PHYSICAL_DEVICE, 0x4c0000) \
    X(MASK_EXT_FILES, 0x500000) X(MASK_SCHEDULE, 0x540000)

/* name, kind, number. Two names share 10007; 10000 is three codes of different kinds. */
#define RC_CODES(X) \
    X(CREATED, SUCCESS, 1) X(DELETED, SUCCESS, 2) X(MODIFIED, SUCCESS, 3) X(PASSPHRASE_ACCEPTED, SUCCESS, 4)          \
    X(FAIL_SQL, ERROR, 100) X(FAIL_SQL_ROLLBACK, ERROR, 101)                                                          \
    X(FAIL_INVLD_NODE_NAME, ERROR, 200) X(FAIL_INVLD_NODE_TYPE, ERROR, 201) X(FAIL_INVLD_RSC_NAME, ERROR, 202)        \
    X(FAIL_INVLD_RSC_PORT, ERROR, 203) X(FAIL_INVLD_NODE_ID, ERROR, 204) X(FAIL_INVLD_VLM_NR, ERROR, 205)             \
    X(FAIL_INVLD_VLM_SIZE, ERROR, 206) X(FAIL_INVLD_MINOR_NR, ERROR, 207)                                             \
    X(FAIL_INVLD_STOR_POOL_NAME, ERROR, 208) X(FAIL_INVLD_NET_NAME, ERROR, 209)                                       \
    X(FAIL_INVLD_NET_ADDR, ERROR, 210) X(FAIL_INVLD_NET_PORT, ERROR, 211) X(FAIL_INVLD_NET_TYPE, ERROR, 212)          \
    X(FAIL_INVLD_PROP, ERROR, 213) X(FAIL_INVLD_TRANSPORT_TYPE, ERROR, 214) X(FAIL_INVLD_TCP_PORT, ERROR, 215)        \
    X(FAIL_INVLD_CRYPT_PASSPHRASE, ERROR, 216) X(FAIL_INVLD_ENCRYPT_TYPE, ERROR, 217)                                 \
    X(FAIL_INVLD_SNAPSHOT_NAME, ERROR, 218) X(FAIL_INVLD_PLACE_COUNT, ERROR, 219)                                     \
    X(FAIL_INVLD_FREE_SPACE_MGR_NAME, ERROR, 220) X(FAIL_INVLD_STOR_DRIVER, ERROR, 221)                               \
    X(FAIL_INVLD_DRBD_PROXY_COMPRESSION_TYPE, ERROR, 222) X(FAIL_INVLD_KVS_NAME, ERROR, 223)                          \
    X(FAIL_INVLD_LAYER_KIND, ERROR, 224) X(FAIL_INVLD_LAYER_STACK, ERROR, 225)                                        \
    X(FAIL_INVLD_EXT_NAME, ERROR, 226) X(FAIL_INVLD_PROVIDER, ERROR, 227) X(FAIL_INVLD_VLM_SIZES, ERROR, 228)         \
    X(FAIL_INVLD_VLM_COUNT, ERROR, 229) X(FAIL_INVLD_CONF, ERROR, 230)                                                \
    X(FAIL_INVLD_SNAPSHOT_SHIPPING_SOURCE, ERROR, 231) X(FAIL_INVLD_SNAPSHOT_SHIPPING_TARGET, ERROR, 232)             \
    X(FAIL_NODE_HAS_USED_RSC, ERROR, 233) X(FAIL_INVLD_REQUEST, ERROR, 234)                                           \
    X(FAIL_INVLD_EXT_FILE_NAME, ERROR, 235) X(FAIL_INVLD_EXT_FILE, ERROR, 236)                                        \
    X(FAIL_INVLD_RSC_GRP_NAME, ERROR, 237) X(FAIL_INVLD_BACKUP_CONFIG, ERROR, 238)                                    \
    X(FAIL_INVLD_REMOTE_NAME, ERROR, 239) X(FAIL_INVLD_TIME_PARAM, ERROR, 240)                                        \
    X(FAIL_INVLD_SCHEDULE_NAME, ERROR, 241) X(FAIL_INVLD_DB_EXPORT_FILE, ERROR, 242)                                  \
    X(FAIL_INVLD_RSC_STATE, ERROR, 243) X(FAIL_INVLD_BLK_SIZE, ERROR, 244)                                            \
    X(FAIL_NOT_FOUND_NODE, ERROR, 300) X(FAIL_NOT_FOUND_RSC_DFN, ERROR, 301) X(FAIL_NOT_FOUND_RSC, ERROR, 302)        \
    X(FAIL_NOT_FOUND_VLM_DFN, ERROR, 303) X(FAIL_NOT_FOUND_VLM, ERROR, 304) X(FAIL_NOT_FOUND_NET_IF, ERROR, 305)      \
    X(FAIL_NOT_FOUND_NODE_CONN, ERROR, 306) X(FAIL_NOT_FOUND_RSC_CONN, ERROR, 307)                                    \
    X(FAIL_NOT_FOUND_VLM_CONN, ERROR, 308) X(FAIL_NOT_FOUND_STOR_POOL_DFN, ERROR, 309)                                \
    X(FAIL_NOT_FOUND_STOR_POOL, ERROR, 310) X(FAIL_NOT_FOUND_DFLT_STOR_POOL, ERROR, 311)                              \
    X(FAIL_NOT_FOUND_CRYPT_KEY, ERROR, 312) X(FAIL_NOT_FOUND_SNAPSHOT_DFN, ERROR, 313)                                \
    X(FAIL_NOT_FOUND_SNAPSHOT_VLM_DFN, ERROR, 314) X(FAIL_NOT_FOUND_SNAPSHOT, ERROR, 315)                             \
    X(FAIL_NOT_FOUND_KVS, ERROR, 316) X(FAIL_NOT_FOUND_RSC_GRP, ERROR, 317)                                           \
    X(FAIL_NOT_FOUND_VLM_GRP, ERROR, 318) X(FAIL_NOT_FOUND_EXOS_ENCLOSURE, ERROR, 319)                                \
    X(FAIL_NOT_FOUND_EXT_FILE, ERROR, 320) X(FAIL_NOT_FOUND_REMOTE, ERROR, 321)                                       \
    X(FAIL_NOT_FOUND_BACKUP, ERROR, 322) X(FAIL_NOT_FOUND_SCHEDULE, ERROR, 323)                                       \
    X(FAIL_ACC_DENIED_NODE, ERROR, 400) X(FAIL_ACC_DENIED_RSC_DFN, ERROR, 401)                                        \
    X(FAIL_ACC_DENIED_RSC, ERROR, 402) X(FAIL_ACC_DENIED_VLM_DFN, ERROR, 403) X(FAIL_ACC_DENIED_VLM, ERROR, 404)      \
    X(FAIL_ACC_DENIED_STOR_POOL_DFN, ERROR, 405) X(FAIL_ACC_DENIED_STOR_POOL, ERROR, 406)                             \
    X(FAIL_ACC_DENIED_NODE_CONN, ERROR, 407) X(FAIL_ACC_DENIED_RSC_CONN, ERROR, 408)                                  \
    X(FAIL_ACC_DENIED_VLM_CONN, ERROR, 409) X(FAIL_ACC_DENIED_STLT_CONN, ERROR, 410)                                  \
    X(FAIL_ACC_DENIED_CTRL_CFG, ERROR, 411) X(FAIL_ACC_DENIED_COMMAND, ERROR, 412)                                    \
    X(FAIL_ACC_DENIED_WATCH, ERROR, 413) X(FAIL_ACC_DENIED_SNAPSHOT_DFN, ERROR, 414)                                  \
    X(FAIL_ACC_DENIED_SNAPSHOT, ERROR, 415) X(FAIL_ACC_DENIED_SNAPSHOT_VLM_DFN, ERROR, 416)                           \
    X(FAIL_ACC_DENIED_FREE_SPACE_MGR, ERROR, 417) X(FAIL_ACC_DENIED_KVS, ERROR, 418)                                  \
    X(FAIL_ACC_DENIED_RSC_GRP, ERROR, 419) X(FAIL_ACC_DENIED_VLM_GRP, ERROR, 420)                                     \
    X(FAIL_ACC_DENIED_SNAP_DFN, ERROR, 421) X(FAIL_ACC_DENIED_EXT_FILE, ERROR, 422)                                   \
    X(FAIL_ACC_DENIED_REMOTE, ERROR, 423) X(FAIL_ACC_DENIED_SCHEDULE, ERROR, 424)                                     \
    X(FAIL_EXISTS_NODE, ERROR, 500) X(FAIL_EXISTS_RSC_DFN, ERROR, 501) X(FAIL_EXISTS_RSC, ERROR, 502)                 \
    X(FAIL_EXISTS_VLM_DFN, ERROR, 503) X(FAIL_EXISTS_VLM, ERROR, 504) X(FAIL_EXISTS_NET_IF, ERROR, 505)               \
    X(FAIL_EXISTS_NODE_CONN, ERROR, 506) X(FAIL_EXISTS_RSC_CONN, ERROR, 507) X(FAIL_EXISTS_VLM_CONN, ERROR, 508)      \
    X(FAIL_EXISTS_STOR_POOL_DFN, ERROR, 509) X(FAIL_EXISTS_STOR_POOL, ERROR, 510)                                     \
    X(FAIL_EXISTS_STLT_CONN, ERROR, 511) X(FAIL_EXISTS_CRYPT_PASSPHRASE, ERROR, 512)                                  \
    X(FAIL_EXISTS_WATCH, ERROR, 513) X(FAIL_EXISTS_SNAPSHOT_DFN, ERROR, 514) X(FAIL_EXISTS_SNAPSHOT, ERROR, 516)      \
    X(FAIL_EXISTS_EXT_NAME, ERROR, 517) X(FAIL_EXISTS_NVME_TARGET_PER_RSC_DFN, ERROR, 518)                            \
    X(FAIL_EXISTS_NVME_INITIATOR_PER_RSC_DFN, ERROR, 519) X(FAIL_LOST_STOR_POOL, ERROR, 521)                          \
    X(FAIL_EXISTS_RSC_GRP, ERROR, 522) X(FAIL_EXISTS_VLM_GRP, ERROR, 523)                                             \
    X(FAIL_EXISTS_SNAPSHOT_SHIPPING, ERROR, 525) X(FAIL_EXISTS_EXOS_ENCLOSURE, ERROR, 526)                            \
    X(FAIL_EXISTS_REMOTE, ERROR, 527) X(FAIL_EXISTS_SCHEDULE, ERROR, 528)                                             \
    X(FAIL_MISSING_PROPS, ERROR, 600) X(FAIL_MISSING_PROPS_NETCOM_TYPE, ERROR, 601)                                   \
    X(FAIL_MISSING_PROPS_NETCOM_PORT, ERROR, 602) X(FAIL_MISSING_NETCOM, ERROR, 603)                                  \
    X(FAIL_MISSING_PROPS_NETIF_NAME, ERROR, 604) X(FAIL_MISSING_STLT_CONN, ERROR, 605)                                \
    X(FAIL_MISSING_EXT_NAME, ERROR, 606) X(FAIL_MISSING_NVME_TARGET, ERROR, 608)                                      \
    X(FAIL_NO_STLT_CONN_DEFINED, ERROR, 609) X(FAIL_MISSING_EBS_TARGET, ERROR, 611)                                   \
    X(FAIL_UUID_NODE, ERROR, 700) X(FAIL_UUID_RSC_DFN, ERROR, 701) X(FAIL_UUID_RSC, ERROR, 702)                       \
    X(FAIL_UUID_VLM_DFN, ERROR, 703) X(FAIL_UUID_VLM, ERROR, 704) X(FAIL_UUID_NET_IF, ERROR, 705)                     \
    X(FAIL_UUID_NODE_CONN, ERROR, 706) X(FAIL_UUID_RSC_CONN, ERROR, 707) X(FAIL_UUID_VLM_CONN, ERROR, 708)            \
    X(FAIL_UUID_STOR_POOL_DFN, ERROR, 709) X(FAIL_UUID_STOR_POOL, ERROR, 710) X(FAIL_UUID_KVS, ERROR, 711)            \
    X(FAIL_POOL_EXHAUSTED_VLM_NR, ERROR, 800) X(FAIL_POOL_EXHAUSTED_MINOR_NR, ERROR, 801)                             \
    X(FAIL_POOL_EXHAUSTED_TCP_PORT, ERROR, 802) X(FAIL_POOL_EXHAUSTED_NODE_ID, ERROR, 803)                            \
    X(FAIL_POOL_EXHAUSTED_RSC_LAYER_ID, ERROR, 804) X(FAIL_POOL_EXHAUSTED_SPECIAL_SATELLTE_TCP_PORT, ERROR, 805)      \
    X(FAIL_POOL_EXHAUSTED_SNAPSHOT_SHIPPING_TCP_PORT, ERROR, 806)                                                     \
    X(FAIL_POOL_EXHAUSTED_BACKUP_SHIPPING_TCP_PORT, ERROR, 807)                                                       \
    X(FAIL_SNAPSHOT_ROLLBACK_IN_PROGRESS, ERROR, 971) X(FAIL_SP_MIXING_NOT_ALLOWED, ERROR, 972)                       \
    X(FAIL_EBS_COOLDOWN, ERROR, 973) X(FAIL_NOT_ALL_UPTODATE, ERROR, 974) X(FAIL_EVACUATING, ERROR, 975)              \
    X(FAIL_BACKUP_UNKNOWN_CLUSTER, ERROR, 976) X(FAIL_DEPENDEND_BACKUP, ERROR, 977)                                   \
    X(FAIL_BACKUP_INCOMPATIBLE_VERSION, ERROR, 978) X(FAIL_SNAPSHOT_NOT_UPTODATE, ERROR, 979)                         \
    X(FAIL_NOT_ENOUGH_FREE_SPACE, ERROR, 980) X(FAIL_ONLY_ONE_ACT_RSC_PER_SHARED_STOR_POOL_ALLOWED, ERROR, 981)       \
    X(FAIL_CRYPT_INIT, ERROR, 982) X(FAIL_SNAPSHOT_SHIPPING_NOT_SUPPORTED, ERROR, 983)                                \
    X(FAIL_SNAPSHOT_SHIPPING_IN_PROGRESS, ERROR, 984) X(FAIL_UNDECIDABLE_AUTOPLACMENT, ERROR, 985)                    \
    X(FAIL_PRE_SELECT_SCRIPT_DID_NOT_TERMINATE, ERROR, 986)                                                           \
    X(FAIL_LINSTOR_MANAGED_SATELLITE_DID_NOT_START_PROPERLY, ERROR, 987)                                              \
    X(FAIL_STLT_DOES_NOT_SUPPORT_LAYER, ERROR, 988) X(FAIL_STLT_DOES_NOT_SUPPORT_PROVIDER, ERROR, 989)                \
    X(FAIL_STOR_POOL_CONFIGURATION_ERROR, ERROR, 990) X(FAIL_INSUFFICIENT_REPLICA_COUNT, ERROR, 991)                  \
    X(FAIL_RSC_BUSY, ERROR, 992) X(FAIL_INSUFFICIENT_PEER_SLOTS, ERROR, 993)                                          \
    X(FAIL_SNAPSHOTS_NOT_SUPPORTED, ERROR, 994) X(FAIL_NOT_CONNECTED, ERROR, 995)                                     \
    X(FAIL_NOT_ENOUGH_NODES, ERROR, 996) X(FAIL_IN_USE, ERROR, 997) X(FAIL_UNKNOWN_ERROR, ERROR, 998)                 \
    X(FAIL_IMPL_ERROR, ERROR, 999)                                                                                    \
    X(WARN_INVLD_OPT_PROP_NETCOM_ENABLED, WARN, 1001) X(WARN_NOT_CONNECTED, WARN, 1002)                               \
    X(WARN_STLT_NOT_UPDATED, WARN, 1003) X(WARN_NO_STLT_CONN_DEFINED, WARN, 1004)                                     \
    X(WARN_DEL_UNSET_PROP, WARN, 1005) X(WARN_RSC_ALREADY_DEPLOYED, WARN, 1006)                                       \
    X(WARN_RSC_ALREADY_HAS_DISK, WARN, 1007) X(WARN_RSC_ALREADY_DISKLESS, WARN, 1008)                                 \
    X(WARN_ALL_DISKLESS, WARN, 1009) X(WARN_STORAGE_ERROR, WARN, 1010) X(WARN_NOT_FOUND_CRYPT_KEY, WARN, 1011)        \
    X(WARN_STORAGE_KIND_ADDED, WARN, 1012) X(WARN_NOT_ENOUGH_NODES_FOR_TIE_BREAKER, WARN, 1013)                       \
    X(WARN_MIXED_PMEM_AND_NON_PMEM, WARN, 1014) X(WARN_UNEFFECTIVE_PROP, WARN, 1015)                                  \
    X(WARN_INVLD_SNAPSHOT_SHIPPING_PREFIX, WARN, 1016) X(WARN_NODE_EVICTED, WARN, 1017)                               \
    X(WARN_RSC_DEACTIVATED, WARN, 1018) X(WARN_BACKUP_DL_ONLY, WARN, 1019) X(WARN_NOT_EVACUATING, WARN, 1020)         \
    X(WARN_INVLD_CONF, WARN, 1021) X(WARN_STORPOOL_RENAME_NOT_ALLOWED, WARN, 1022)                                    \
    X(WARN_VLMDFN_RESIZE_SAME_SIZE, WARN, 1023) X(WARN_CORRUPT_CRYPT_KEY, WARN, 1024)                                 \
    X(WARN_NOT_FOUND, WARN, 3000) X(WARN_NO_EFFECT, WARN, 3001) X(WARN_DEPRECATED, WARN, 4000)                        \
    X(INFO_NO_RSC_SPAWNED, INFO, 10000) X(INFO_NODE_NAME_MISMATCH, INFO, 10001) X(INFO_PROP_SET, INFO, 10002)         \
    X(INFO_TIE_BREAKER_CREATED, INFO, 10003) X(INFO_TIE_BREAKER_DELETING, INFO, 10004)                                \
    X(INFO_TIE_BREAKER_TAKEOVER, INFO, 10006) X(INFO_PROP_REMOVED, INFO, 10005)                                       \
    X(INFO_NOOP, INFO, 10007) X(INFO_AUTO_DRBD_PROXY_CREATED, INFO, 10007)                                            \
    X(INFO_RSC_ALREADY_EXISTS, INFO, 10008) X(INFO_ABORTED_FAILED_SNAPSHOT_ROLLBACK, INFO, 10009)                     \
    X(INFO_RECOVERING_FAILED_SNAPSHOT_ROLLBACK, INFO, 10010)                                                          \
    X(UNKNOWN_API_CALL, ERROR, 0x0FFFFFFFFFFFFFFF) X(API_CALL_AUTH_REQ, ERROR, 0x0FFFFFFFFFFFFFFE)                    \
    X(API_CALL_PARSE_ERROR, ERROR, 0x0FFFFFFFFFFFFFFD)                                                                \
    X(SUCCESS_SIGN_IN, SUCCESS, 10000)                                                                                \
    X(FAIL_SIGN_IN, ERROR, 10000) X(FAIL_SIGN_IN_MISSING_CREDENTIALS, ERROR, 10001)
/* clang-format on */

#define RC_MASK(name, value)        name = value,
#define RC_CODE(name, kind, number) name = MASK_##kind | (number),
enum { RC_KINDS(RC_MASK) };
enum { RC_OPERATIONS(RC_MASK) };
enum { RC_OBJECTS(RC_MASK) };
enum { MASK_BITS_TYPE = MASK_ERROR, MASK_BITS_OP = 0x3000000, MASK_BITS_OBJ = 0x7c0000, MASK_BITS_CODE = 0x7fff };
enum { RC_CODES(RC_CODE) };
#undef RC_MASK
#undef RC_CODE

/*
 * "FAIL_INVLD_PROP" of any ret_code that carries it, whatever operation and object are in it too; NULL when there is
 * none. Of two names of one number it is the one that stands first in the list.
 */
const char *rc_code_name(int64_t ret_code);
/* The number of a name, masks included; false when no such name exists. */
bool rc_code_parse(const char *name, int64_t *ret_code);
/* "MASK_NODE", "MASK_CRT", "MASK_ERROR" of a ret_code; NULL when it has no object or operation. */
const char *rc_object_name(int64_t ret_code);
const char *rc_operation_name(int64_t ret_code);
const char *rc_kind_name(int64_t ret_code);
