# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes down HTTP exchanges, one JSON object a line, into the file that LINSTOR_RECORD names (nothing without it).

Several programs may write to one file at the same time. tests/openapi/validate.py reads it.
"""
import fcntl
import gzip
import json
import os

BODY_LIMIT = 2_000_000    # bytes; of a longer body only the length is kept


def text_of(data, encoding=''):
    if not data:
        return ''
    if isinstance(data, str):
        data = data.encode()
    if encoding == 'gzip':
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError):
            return None
    if len(data) > BODY_LIMIT:
        return None
    return data.decode('utf-8', 'replace')


def exchange(source, method, path, request, status, headers, reply):
    """source is the suite; headers of the reply have lower-case names; bodies are bytes, text or None."""
    file = os.environ.get('LINSTOR_RECORD')
    if not file:
        return
    row = {'source': source, 'method': method, 'path': path, 'request': text_of(request), 'status': status,
           'type': headers.get('content-type', ''), 'reply': text_of(reply, headers.get('content-encoding', ''))}
    line = (json.dumps(row, ensure_ascii=False) + '\n').encode('utf-8', 'replace')
    with open(file, 'ab', buffering=0) as out:
        fcntl.flock(out, fcntl.LOCK_EX)
        out.write(line)
