/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mbedcrypto.h"

#include <mbedtls/version.h>

/* The sizes of its contexts are part of what was compiled, so it must be the release whose headers were there. */
#if MBEDTLS_VERSION_MAJOR == 2 && MBEDTLS_VERSION_MINOR == 28
#define PACKAGE "libmbedcrypto7"
#define SONAME  "libmbedcrypto.so.7"
#elif MBEDTLS_VERSION_MAJOR == 3 && MBEDTLS_VERSION_MINOR == 6
#define PACKAGE "libmbedcrypto16"
#define SONAME  "libmbedcrypto.so.16"
#else
#error "Mbed TLS 2.28 or 3.6 is needed"
#endif

#define SYMBOL(function) LIBRARY_SYMBOL(mbedcrypto, function)
LIBRARY_SYMBOLS(mbedcrypto, SYMBOL(mbedtls_base64_decode), SYMBOL(mbedtls_base64_encode),
                SYMBOL(mbedtls_gcm_auth_decrypt), SYMBOL(mbedtls_gcm_crypt_and_tag), SYMBOL(mbedtls_gcm_free),
                SYMBOL(mbedtls_gcm_init), SYMBOL(mbedtls_gcm_setkey), SYMBOL(mbedtls_md), SYMBOL(mbedtls_md_clone),
                SYMBOL(mbedtls_md_finish), SYMBOL(mbedtls_md_free), SYMBOL(mbedtls_md_info_from_type),
                SYMBOL(mbedtls_md_init), SYMBOL(mbedtls_md_setup), SYMBOL(mbedtls_md_starts),
                SYMBOL(mbedtls_md_update));
LIBRARY(mbedcrypto, PACKAGE, "secrets", "Seals passphrases and keys", "required", SONAME);

void mbedcrypto_open(struct mbedcrypto *functions)
{
    library_require(&mbedcrypto_library, functions);
}
