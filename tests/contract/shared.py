# SPDX-License-Identifier: GPL-3.0-or-later
"""What contracts of several providers show in the same way. The storage pool is called 'pool'."""
import time

from suite import wait_for

LOOK_SECONDS = 10    # OBSERVE_MS of the satellite: so often it asks for everything


def kill_and_go_on(place, points):
    """points: of making a volume, the command before or after which the satellite is killed: [(1, 'before'), ...]."""
    for at, (count, when) in enumerate(points):
        place.kill_at(count, when)
        place.control.create(f'db{at}', 'pool', ['8M'], wait=False)
        place.await_killed()
        place.start()
        device, = place.control.await_applied(f'db{at}')
        place.write_pattern(device, at, 8)
    for when in ('before', 'after'):
        size = 12 if when == 'before' else 16
        place.kill_at(1, when)
        place.control.grow('db0', f'{size}M', wait=False)
        place.await_killed()
        place.start()
        device, = place.control.await_applied('db0')
        assert place.size_mib(device) == size
        place.check_pattern(device, 0, 8)
    for at, when in enumerate(('before', 'after')):
        place.kill_at(1, when)
        place.control.delete(f'db{at}', wait=False)
        place.await_killed()
        place.start()
        place.control.await_gone(f'db{at}')
    for at in range(2, len(points)):
        place.control.delete(f'db{at}')


def refuse_foreign(place, names):
    """There is a volume db_00000 of somebody else, which names() lists."""
    place.control.refresh('pool')
    place.control.create('db', 'pool', ['8M'], wait=False)
    place.control.await_trouble('db', 'is there already')
    place.control.delete('db')
    assert names() == ['db_00000'], 'the volume of somebody else was removed'


def lose_and_find(place, rename, back):
    """Scripts that rename the volume db_00000 and give it its name again. The resource db stays."""
    device, = place.control.create('db', 'pool', ['8M'])
    place.write_pattern(device, 3, 8)
    place.run(rename)
    place.control.refresh('pool')
    place.control.await_trouble('db', 'has vanished')
    place.run(back)
    place.control.refresh('pool')
    assert place.control.await_applied('db') == [device]
    place.check_pattern(device, 3, 8)


def take_while_killed(place):
    """Snapshots 'before' and 'after' of db; the satellite is killed before and after the command that takes them."""
    for when in ('before', 'after'):
        place.kill_at(1, when)
        place.control.snapshot('db', when, wait=False)
        place.await_killed()
        place.start()
        place.control.await_applied('db')
    assert all(place.control.snapshot_fact('db', when).get('exists') for when in ('before', 'after'))


def take_again_what_is_void(place, mark, marked, word, removals):
    """mark: a script that marks the snapshot 'void' of db; marked(): whether it bears the mark; word: of the command that removes it;
    removals(): commands so far that remove something."""
    place.kill_at(1, 'after')
    place.control.snapshot('db', 'void', wait=False)
    place.await_killed()
    place.run(mark)
    place.hang(True, word)
    place.start()
    wait_for('it is being removed', removals, place.seconds)
    place.control.refresh('pool')
    assert not place.control.snapshot_fact('db', 'void').get('exists'), 'a snapshot that is void was told to be there'
    place.kill_at(1, 'after')
    place.hang(False)
    place.await_killed()
    assert not marked()
    place.start()
    wait_for('it is taken again', lambda: place.control.snapshot_fact('db', 'void').get('exists'), place.seconds)
    assert not marked() and len(removals()) == 1, place.commands()
    place.control.resources['db']['snapshots'][0]['must_exist'] = True
    place.run(mark)
    place.kill()
    place.start()
    place.control.await_applied('db')
    assert place.control.snapshot_fact('db', 'void').get('exists'), 'what was told is not void'
    assert len(removals()) == 1, 'a snapshot that was told to be there was removed'
    place.control.drop_snapshot('db', 'void')


def make_one_at_a_time(place, made, asked):
    """made(), asked(): the commands so far that make volumes, and that ask for them."""
    place.hang(True)
    resources = [f'db{number}' for number in range(4)]
    for name in resources:
        place.control.create(name, 'pool', ['4M'], wait=False)
    wait_for('a command hangs', made, place.seconds)
    place.control.refresh('pool')
    assert len(made()) == 1, place.commands()
    place.hang(False)
    for name in resources:
        place.control.await_applied(name)
    assert len(made()) == 4
    place.kill()
    before, began = len(asked()), time.monotonic()
    place.start()
    for name in resources:
        place.control.await_applied(name)
    # Once for all, once more when they are there, and whenever the satellite looks; never for one of them.
    new, looks = asked()[before:], int((time.monotonic() - began) / LOOK_SECONDS)
    assert len(new) <= 2 + looks and not any('_00000' in command for command in new), place.commands()
    for name in resources:
        place.control.delete(name)
