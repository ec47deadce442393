/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What secrets need of Mbed TLS. It is opened by whoever has a secret to treat, which most processes never have. */
#pragma once

#include <mbedtls/base64.h>
#include <mbedtls/gcm.h>
#include <mbedtls/md.h>

#include "base/library.h"

struct mbedcrypto {
    LIBRARY_FUNCTION(mbedtls_base64_decode);
    LIBRARY_FUNCTION(mbedtls_base64_encode);
    LIBRARY_FUNCTION(mbedtls_gcm_auth_decrypt);
    LIBRARY_FUNCTION(mbedtls_gcm_crypt_and_tag);
    LIBRARY_FUNCTION(mbedtls_gcm_free);
    LIBRARY_FUNCTION(mbedtls_gcm_init);
    LIBRARY_FUNCTION(mbedtls_gcm_setkey);
    LIBRARY_FUNCTION(mbedtls_md);
    LIBRARY_FUNCTION(mbedtls_md_clone);
    LIBRARY_FUNCTION(mbedtls_md_finish);
    LIBRARY_FUNCTION(mbedtls_md_free);
    LIBRARY_FUNCTION(mbedtls_md_info_from_type);
    LIBRARY_FUNCTION(mbedtls_md_init);
    LIBRARY_FUNCTION(mbedtls_md_setup);
    LIBRARY_FUNCTION(mbedtls_md_starts);
    LIBRARY_FUNCTION(mbedtls_md_update);
};

/* The process ends with a sentence when the library is not there. */
void mbedcrypto_open(struct mbedcrypto *functions);
