# SPDX-License-Identifier: GPL-3.0-or-later
"""How a file below cases/ says what it tests and what that needs.

    from vm.case import case

    @case('a volume grows while it is mounted', nodes=2, tools=['lvcreate'], modules=['dm-thin-pool'])
    def _(machines):
        ...

The function gets as many machines as it asked for, on and blank, with the modules loaded. It leaves them as they were, or the case
fails; a case that failed, or says fresh=True, costs a reboot with new disks. tools are programs of the host (guests see the host's
files), modules those of the kernel; 'zfs' stands for what tests/vm/zfs-module built, with its tools. What is absent skips the case.
"""
import dataclasses
import importlib
import pathlib
import shutil
import typing

from vm import kernel

CASES = pathlib.Path(__file__).resolve().parent / 'cases'
found = []


@dataclasses.dataclass
class Case:
    title: str    # 'file: what it shows'
    function: typing.Callable
    nodes: int
    tools: typing.Sequence
    modules: typing.Sequence
    seconds: int
    fresh: bool


def case(title, nodes=1, tools=(), modules=(), seconds=1800, fresh=False):
    """seconds: the case counts as hanging when it takes longer. fresh: the machines are rebooted afterwards with new disks, whatever happened."""
    def add(function):
        file = function.__module__.rpartition('.')[2]
        found.append(Case(f'{file}: {title}', function, nodes, tools, modules, seconds, fresh))
        return function
    return add


def load_all():
    """All cases, file by file in alphabetical order, within a file as they stand there."""
    for file in sorted(CASES.glob('*.py')):
        importlib.import_module(f'vm.cases.{file.stem}')
    return found


def missing_for(case, files):
    """Why this machine cannot run the case, or ''."""
    for tool in case.tools:
        if not shutil.which(tool):
            return f'no {tool}'
    for module in case.modules:
        if module == 'zfs':
            if not files.zfs:
                return 'no ZFS for this kernel (tests/vm/zfs-module builds it)'
        elif not kernel.has_module(files.release, module):
            return f'kernel {files.release} has no module {module}'
    return ''
