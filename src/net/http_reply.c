/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* LINSTOR: on every answer, see the REST API's web clients */
static const char cors[] = "Access-Control-Allow-Origin: *\r\n"
                           "Access-Control-Allow-Headers: origin, content-type, accept, authorization\r\n"
                           "Access-Control-Allow-Credentials: true\r\n"
                           "Access-Control-Allow-Methods: GET, POST, PUT, DELETE, OPTIONS, HEAD\r\n";

static const struct {
    int status;
    const char *name;
} status_names[] = {
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 206, "Partial Content" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
    { 303, "See Other" },
    { 304, "Not Modified" },
    { 307, "Temporary Redirect" },
    { 308, "Permanent Redirect" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 416, "Range Not Satisfiable" },
    { 417, "Expectation Failed" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
    { 507, "Insufficient Storage" },
};

/* A client goes by the number; the name is for people. */
static const char *status_name(int status)
{
    for (size_t i = 0; i < ARRAY_SIZE(status_names); i++)
        if (status_names[i].status == status)
            return status_names[i].name;
    return "Other";
}

static void add_header(struct buf *out, const char *name, const char *value)
{
    size_t start;

    buf_add_text(out, name);
    buf_add(out, ": ", 2);
    start = out->length;
    buf_add_text(out, value);
    for (size_t i = start; i < out->length; i++)
        if ((unsigned char)out->data[i] < ' ' || out->data[i] == 127)
            out->data[i] = ' ';
    buf_add(out, "\r\n", 2);
}

void http_reply_header(struct buf *out, const char *name, const char *value)
{
    add_header(out, name, value);
}

void http_reply_begin(struct buf *out, int status, const char *content_type, const char *date, bool has_cors)
{
    if (status == 200)
        buf_add_text(out, "HTTP/1.1 200 OK\r\n");
    else
        buf_printf(out, "HTTP/1.1 %d %s\r\n", status, status_name(status));
    if (has_cors)
        buf_add(out, cors, sizeof(cors) - 1);
    if (*date)
        add_header(out, "Date", date);
    if (content_type)
        add_header(out, "Content-Type", content_type);
}

static void add_length(struct buf *out, size_t length)
{
    char digits[24], *first = digits + sizeof(digits);

    do
        *--first = (char)('0' + length % 10);
    while ((length /= 10) > 0);
    buf_add_text(out, "Content-Length: ");
    buf_add(out, first, (size_t)(digits + sizeof(digits) - first));
    buf_add(out, "\r\n", 2);
}

void http_reply_end(struct buf *out, const struct http_reply_end *end)
{
    switch (end->framing) {
    case HTTP_LENGTH: add_length(out, end->length); break;
    case HTTP_CHUNKED: buf_add_text(out, "Transfer-Encoding: chunked\r\n"); break;
    case HTTP_UNTIL_CLOSE:
    case HTTP_NO_BODY: break;
    }
    if (end->is_gzip)
        buf_add_text(out, "Content-Encoding: gzip\r\n");
    if (end->varies)
        buf_add_text(out, "Vary: Accept-Encoding\r\n");
    if (!end->keep_alive)
        buf_add_text(out, "Connection: close\r\n");
    else if (end->is_old)
        buf_add_text(out, "Connection: keep-alive\r\n");
    buf_add(out, "\r\n", 2);
}

bool http_status_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

bool http_type_is_compressible(const char *content_type)
{
    static const char *const types[] = { "application/json", "text/plain", "text/html" };
    size_t length = content_type ? strcspn(content_type, "; \t") : 0;

    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (strlen(types[i]) == length && strncasecmp(content_type, types[i], length) == 0)
            return true;
    return false;
}

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

/* "1", "0.5", "0.000": in thousandths; -1 when it is none */
static int parse_quality(const char *text, size_t length)
{
    int value = 0, digits = 0;

    if (length == 0 || (text[0] != '0' && text[0] != '1') || (length > 1 && text[1] != '.') || length > 5)
        return -1;
    value = (text[0] - '0') * 1000;
    for (size_t i = 2, weight = 100; i < length; i++, weight /= 10) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        digits += (text[i] - '0') * (int)weight;
    }
    return value + digits > 1000 ? -1 : value + digits;
}

/* Of one entry's parameters, ";q=0.5;..." up to end. A broken quality counts as refusal: plain bytes are always right.
 */
static int find_quality(const char *text, const char *end)
{
    while (text < end && *text == ';') {
        size_t length;
        int quality;

        text = skip_blanks(text + 1);
        length = strcspn(text, ";,");
        if (text + length > end)
            length = (size_t)(end - text);
        if (length >= 2 && (text[0] == 'q' || text[0] == 'Q') && text[1] == '=') {
            while (length > 2 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
                length--;
            quality = parse_quality(text + 2, length - 2);
            return quality < 0 ? 0 : quality;
        }
        text += length;
    }
    return 1000;
}

/* The qualities that one line gives to gzip and to all that it does not name. */
static void read_codings(const char *text, int *gzip, int *others)
{
    while (*text) {
        const char *name = text + strspn(text, " \t,");
        size_t length = strcspn(name, ";, \t");
        const char *end = name + strcspn(name, ",");
        int quality = find_quality(skip_blanks(name + length), end);

        if ((length == 4 && strncasecmp(name, "gzip", 4) == 0) || (length == 6 && strncasecmp(name, "x-gzip", 6) == 0))
            *gzip = quality;
        else if (length == 1 && *name == '*')
            *others = quality;
        text = end;
    }
}

bool http_accepts_gzip(const struct http_request *request)
{
    int gzip = -1, others = 0;
    const char *value;

    for (size_t at = 0; (value = http_next_header(request, "accept-encoding", &at));)
        read_codings(value, &gzip, &others);
    return (gzip >= 0 ? gzip : others) > 0;
}

void http_format_date(int64_t wall_ms, char date[static HTTP_DATE_SIZE])
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    snprintf(date, HTTP_DATE_SIZE, "%s, %02d %s %d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
             tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}
