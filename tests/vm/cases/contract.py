# SPDX-License-Identifier: GPL-3.0-or-later
"""The contracts of tests/contract, on the real tools."""
from contract.place import RealTools, load_all
from vm.case import case


def show(contract, machine):
    with RealTools(machine) as place:
        contract.function(place)


for each in load_all():
    if not each.stand_ins_only:
        case(each.title, tools=each.tools, modules=each.modules)(lambda machines, each=each: show(each, machines[0]))
