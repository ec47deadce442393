# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of the Python registry for tests, in an environment of their own below the build directory.

    venv.enter('import yaml', 'pyyaml')      # goes on in the environment's Python when this one lacks the module

The directory is LINSTOR_VENV, else build-check/venv. When the registry cannot be reached, enter() raises Skip with the reason.
"""
import importlib
import os
import pathlib
import subprocess
import sys

from suite import Skip

TOP = pathlib.Path(__file__).resolve().parents[2]


def directory():
    return pathlib.Path(os.environ.get('LINSTOR_VENV') or TOP / 'build-check' / 'venv')


def has(python, module):
    return subprocess.run([python, '-c', f'import {module}'], capture_output=True, check=False).returncode == 0


def enter(module, package):
    """Makes `import module` possible: here, or by running this program again with the environment's Python."""
    try:
        importlib.import_module(module)
        return
    except ImportError:
        pass
    place = directory()
    python = place / 'bin' / 'python'
    try:
        if not python.exists():
            subprocess.run([sys.executable, '-m', 'venv', str(place)], check=True, capture_output=True, text=True)
        if not has(str(python), module):
            subprocess.run([str(python), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', package], check=True,
                           capture_output=True, text=True, timeout=300)
    except (subprocess.SubprocessError, OSError) as problem:
        detail = getattr(problem, 'stderr', '') or str(problem)
        raise Skip(f'{package} cannot be installed: {detail.strip().splitlines()[-1] if detail.strip() else problem}') from None
    if pathlib.Path(sys.prefix).resolve() == place.resolve():
        raise Skip(f'{package} is installed, but its module {module} cannot be imported')
    os.execv(str(python), [str(python), *sys.argv])
