#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The script of "linstor completion bash", as bash calls it. Argument: the program.
set -u
script=$("$1" completion bash) || exit 1
eval "$script"
failed=0

# expect "word word wor" "candidate candidate": the last word, which may be empty, is completed.
expect() {
    read -ra COMP_WORDS <<<"$1"
    [[ $1 == *' ' ]] && COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMPREPLY=()
    _linstor
    if [[ "${COMPREPLY[*]}" != "$2" ]]; then
        echo "'$1' gives '${COMPREPLY[*]}' in place of '$2'"
        failed=1
    fi
}

expect 'linstor no' 'node'
expect 'linstor node interface ' 'create modify delete list'
expect 'linstor n i l' 'list'
expect 'linstor --controllers node n l' 'lost list list-properties'
expect 'linstor --controllers=node n l' 'lost list list-properties'
expect 'linstor --output-version ' 'v0 v1'
expect 'linstor node create --node-type s' 'satellite'
expect 'linstor node create --node-type = co' 'controller combined'
expect 'linstor node create --po' '--port'
expect 'linstor n c a 10.0.0.1 --comm' '--communication-type'
expect 'linstor resource list -g st' 'state'
expect 'linstor r l --groupby node conn' ''
expect 'linstor rd opt foo --proto' '--protocol'
expect 'linstor rd opt foo --unset-proto' '--unset-protocol'
expect 'linstor rd opt foo --protocol ' 'A B C'
expect 'linstor vd opt foo 0 --on-io-error d' 'detach'
expect 'linstor nothing ' "$(compgen -W "${_linstor_children[linstor]}" | xargs)"
exit "$failed"
