/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is planned to make volume groups, thin pools and zpools of disks, and what is refused. */
#include "drivers/device_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "drivers/fact.h"

struct world {
    struct arena arena;
    struct plan asks, plan, undo;
    struct device_pool_want want;
    struct outcome outcomes[8];
    struct device_pool_fact fact;
    struct trouble trouble;
};

static void begin(struct world *world, const char *provider, const char *place)
{
    *world = (struct world){ 0 };
    world->want.provider = arena_strdup(&world->arena, provider);
    world->want.place = arena_strdup(&world->arena, place);
    world->want.authority = arena_strdup(&world->arena, "a test");
    for (int i = 0; i < 8; i++)
        world->outcomes[i].result = OUTCOME_DONE;
    world->outcomes[1].exit_code = 1;
}

static void end(struct world *world)
{
    plan_done(&world->asks);
    plan_done(&world->plan);
    plan_done(&world->undo);
    arena_done(&world->arena);
}

static struct disk *add(struct world *world, const char *device)
{
    struct disk *disk = LIST_ADD(&world->outcomes[0].disks, &world->arena);

    text_list_add(&world->want.devices, device, &world->arena);
    disk->device = disk->asked = arena_strdup(&world->arena, device);
    return disk;
}

static void check_plan(struct world *world, const char *expected)
{
    struct buf text = { 0 };

    assert_int_equal(device_pool_ask(&world->want, &world->asks, &world->trouble), 0);
    assert_int_equal(device_pool_plan(&world->want, world->outcomes, &world->plan, &world->fact, &world->trouble), 0);
    plan_print(&world->plan, &text);
    assert_string_equal(buf_text(&text), expected);
    buf_done(&text);
}

static void check_refused(struct world *world, const char *cause)
{
    int result = device_pool_ask(&world->want, &world->asks, &world->trouble);

    if (result == 0)
        result = device_pool_plan(&world->want, world->outcomes, &world->plan, &world->fact, &world->trouble);
    assert_int_equal(result, -1);
    assert_string_equal(world->trouble.cause, cause);
}

#define CONFIG                                                                                                         \
    "--config 'devices { filter=[\"r|^/dev/drbd|\",\"r|^/dev/zd[0-9]|\",\"r|^/dev/zvol/|\",\"r|^/dev/bcache|\","       \
    "\"r|^/dev/mapper/Linstor-Crypt-|\",\"r|^/dev/mapper/linstor_writecache_|\",\"r|^/dev/mapper/linstor_cache_|\"] "  \
    "}'"

static void test_plans(void **state)
{
    struct world world;

    (void)state;
    begin(&world, "LVM", "vg0");
    add(&world, "/dev/sdb");
    add(&world, "/dev/sdc");
    text_list_add(&world.want.vg_arguments, "-s 8m", &world.arena);
    check_plan(&world, "make physical volumes for volume group 'vg0'\n"
                       "    $ lvm pvcreate " CONFIG " /dev/sdb /dev/sdc\n"
                       "make volume group 'vg0'\n"
                       "    $ lvm vgcreate " CONFIG " -s 8m vg0 /dev/sdb /dev/sdc\n");
    end(&world);

    begin(&world, "LVM_THIN", "linstor_thin/thin");
    add(&world, "/dev/sdb");
    check_plan(&world,
               "make physical volumes for volume group 'linstor_thin'\n"
               "    $ lvm pvcreate " CONFIG " /dev/sdb\n"
               "make volume group 'linstor_thin'\n"
               "    $ lvm vgcreate " CONFIG " linstor_thin /dev/sdb\n"
               "make a thin pool of all of volume group 'linstor_thin'\n"
               "    $ lvm lvcreate " CONFIG " --yes --type thin-pool --extents 100%FREE --name thin linstor_thin\n");
    end(&world);

    begin(&world, "ZFS_THIN", "tank");
    add(&world, "/dev/sdb");
    check_plan(&world, "make zpool 'tank'\n"
                       "    $ zpool create -m none tank /dev/sdb\n");
    end(&world);
}

static void test_what_holds_data(void **state)
{
    struct world world;

    (void)state;
    begin(&world, "ZFS", "tank");
    add(&world, "/dev/sdb")->signature = (char[]){ "ext4" };
    check_refused(&world, "/dev/sdb is not empty: it holds ext4.");
    end(&world);

    begin(&world, "ZFS", "tank");
    add(&world, "/dev/sdb")->signature = (char[]){ "ext4" };
    text_list_add(&world.want.zpool_arguments, "-f", &world.arena);
    check_plan(&world, "! wipe ext4 from /dev/sdb\n"
                       "    WIPE device=/dev/sdb\n"
                       "make zpool 'tank'\n"
                       "    $ zpool create -m none -f tank /dev/sdb\n");
    assert_string_equal(world.plan.steps.at[0].authority, "a test");
    end(&world);

    begin(&world, "LVM", "vg0"); /* what is said about zpools says nothing about volume groups */
    add(&world, "/dev/sdb")->signature = (char[]){ "gpt" };
    text_list_add(&world.want.zpool_arguments, "-f", &world.arena);
    check_refused(&world, "/dev/sdb is not empty: it holds gpt.");
    end(&world);
}

static void check_physical_volume(const char *arguments, const char *refused, const char *before)
{
    struct world world;

    begin(&world, "LVM", "vg0");
    add(&world, "/dev/sdb")->signature = (char[]){ "LVM2_member and dos" };
    if (arguments)
        text_list_add(&world.want.pv_arguments, arguments, &world.arena);
    if (refused)
        check_refused(&world, refused);
    else
        check_plan(&world, arena_printf(&world.arena,
                                        "%smake physical volumes for volume group 'vg0'\n"
                                        "    $ lvm pvcreate " CONFIG " %s /dev/sdb\n"
                                        "make volume group 'vg0'\n"
                                        "    $ lvm vgcreate " CONFIG " vg0 /dev/sdb\n",
                                        before, arguments));
    end(&world);
}

/* Whether a physical volume belongs to another group, is for pvcreate to say, unless the user says that it may go. */
static void test_physical_volumes(void **state)
{
    static const char wipe[] = "! wipe LVM2_member and dos from /dev/sdb\n"
                               "    WIPE device=/dev/sdb\n";

    (void)state;
    check_physical_volume(NULL, "/dev/sdb is not empty: it holds LVM2_member and dos.", NULL);
    check_physical_volume("--force-no", "/dev/sdb is not empty: it holds LVM2_member and dos.", NULL);
    check_physical_volume("-y", NULL, "");
    check_physical_volume("--yes", NULL, "");
    check_physical_volume("-f", NULL, "");
    check_physical_volume("-fy", NULL, "");
    check_physical_volume("--force", NULL, "");
    check_physical_volume("-ff", NULL, wipe);
    check_physical_volume("-yff", NULL, wipe);
    check_physical_volume("-f -y -f", NULL, wipe);
    check_physical_volume("--force --force", NULL, wipe);
}

/* What the satellite made itself is no disk, and is not even read. */
static void test_own_devices(void **state)
{
    struct facts facts = { 0 };
    struct plan plan = { .facts = &facts };
    const struct step *step;

    (void)state;
    facts_set_text(&facts_edit_volume(&facts, "files", "db_00000")->device, "/dev/loop3");
    facts_edit_volume(&facts, "files", "off_00000");
    facts_set_text(&facts_edit_layer(&facts, "NVME", "device/LS-NVMe_db/1")->device, "/dev/nvme0n1");
    step = device_pool_ask_disks(&plan);
    assert_int_equal(step->names.count, 2);
    assert_string_equal(step->names.at[0], "/dev/loop3");
    assert_string_equal(step->names.at[1], "/dev/nvme0n1");
    plan_done(&plan);
    assert_ptr_equal(plan.facts, &facts);
    facts_done(&facts);
}

static void test_what_is_in_use(void **state)
{
    struct world world;

    (void)state;
    begin(&world, "LVM", "vg0");
    add(&world, "/dev/sdb")->use = (char[]){ "it is mounted" };
    text_list_add(&world.want.pv_arguments, "-ff", &world.arena);
    check_refused(&world, "/dev/sdb is in use: it is mounted.");
    end(&world);

    begin(&world, "LVM", "vg0");
    text_list_add(&world.want.devices, "/dev/nosuch", &world.arena);
    check_refused(&world, "There is no block device /dev/nosuch, or it was given twice.");
    end(&world);

    begin(&world, "LVM", "vg0");
    add(&world, "/dev/sdb");
    world.outcomes[1].exit_code = 0;
    check_refused(&world, "There is a volume group of this name already.");
    assert_true(world.fact.is_there_already);
    end(&world);
}

static void test_words(void **state)
{
    static const char *const bad[][3] = {
        { "LVM", "-f", "/dev/sdb" },     { "LVM", "vg0/x", "/dev/sdb" },  { "LVM_THIN", "vg0", "/dev/sdb" },
        { "ZFS", "tank/x", "/dev/sdb" }, { "ZFS", "", "/dev/sdb" },       { "ZFS", "ta nk", "/dev/sdb" },
        { "FILE", "vg0", "/dev/sdb" },   { "LVM", "vg0", "sdb" },         { "LVM", "vg0", "--help" },
        { "LVM", "vg0", "/etc/passwd" }, { "LVM", "vg0", "/dev/../etc" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct world world;

        begin(&world, bad[i][0], bad[i][1]);
        text_list_add(&world.want.devices, bad[i][2], &world.arena);
        assert_int_equal(device_pool_ask(&world.want, &world.asks, &world.trouble), -1);
        assert_int_equal(world.asks.steps.count, 0);
        assert_non_null(world.trouble.cause);
        end(&world);
    }
}

static void test_undo(void **state)
{
    struct buf text = { 0 };
    struct world world;

    (void)state;
    begin(&world, "LVM_THIN", "linstor_thin/thin");
    add(&world, "/dev/sdb");
    assert_int_equal(device_pool_plan(&world.want, world.outcomes, &world.plan, &world.fact, &world.trouble), 0);
    world.outcomes[2].result = OUTCOME_FAILED;
    device_pool_undo(&world.want, &world.plan, world.outcomes, &world.undo);
    plan_print(&world.undo, &text);
    assert_string_equal(buf_text(&text), "! remove volume group 'linstor_thin', which was just made\n"
                                         "    $ lvm vgremove " CONFIG " linstor_thin\n"
                                         "! remove the physical volumes that were just made\n"
                                         "    $ lvm pvremove " CONFIG " /dev/sdb\n");
    buf_clear(&text);
    plan_done(&world.undo);
    world.outcomes[0].result = OUTCOME_FAILED;
    world.outcomes[1].result = OUTCOME_SKIPPED;
    device_pool_undo(&world.want, &world.plan, world.outcomes, &world.undo);
    assert_int_equal(world.undo.steps.count, 0);
    buf_done(&text);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plans),
        cmocka_unit_test(test_what_holds_data),
        cmocka_unit_test(test_physical_volumes),
        cmocka_unit_test(test_own_devices),
        cmocka_unit_test(test_what_is_in_use),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_undo),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
