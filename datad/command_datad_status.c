#include "datad/command_datad_status.h"

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "base/cli.h"
#include "base/file.h"
#include "datad/datad_config.h"
#include "datad/status.h"

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static void print_client(const json_t *c)
{
    const double seconds = number(c, "connected_seconds");
    const double share = seconds > 0 ? 100 * number(c, "wait_seconds") / seconds : 0;
    printf("%8.0f %-10s %8.0f %6.0f %9.0f %8.0f %10.0f %6.1f%% %7.0f\n", number(c, "pid"),
           json_string_value(json_object_get(c, "split")), number(c, "step"), number(c, "lane"),
           number(c, "batches"), number(c, "waiting"), number(c, "tokens_per_second"), share,
           number(c, "errors"));
}

/// What each source has given to a training client up to its position.
static void print_shares(const json_t *c)
{
    const json_t *sources = json_object_get(c, "sources");
    for (size_t i = 0; i < json_array_size(sources); i++) {
        const json_t *s = json_array_get(sources, i);
        printf("%8s %-10s %-20s share %5.2f %% (wanted %5.2f %%) tokens %.1f M epochs %.2f\n", "",
               "", json_string_value(json_object_get(s, "name")), 100 * number(s, "realised"),
               100 * number(s, "wanted"), number(s, "tokens") / 1e6, number(s, "epochs"));
    }
}

static enum err print_table(const char *text)
{
    json_error_t cause;
    json_t *report = json_loads(text, 0, &cause);
    if (!report) return fail(ERR_DATA, "report of datad: %s", cause.text);
    printf("%s: up %.0f s, cpu %.1f s, memory %.0f MB, %.0f clients, %.1f M tokens, %.0f errors\n",
           json_string_value(json_object_get(report, "socket")),
           number(report, "weft_datad_up_seconds"), number(report, "process_cpu_seconds_total"),
           number(report, "process_resident_memory_bytes") / 1e6,
           number(report, "weft_datad_clients"), number(report, "weft_datad_tokens_total") / 1e6,
           number(report, "weft_datad_errors_total"));
    const json_t *clients = json_object_get(report, "clients");
    if (json_array_size(clients) > 0)
        printf("%8s %-10s %8s %6s %9s %8s %10s %7s %7s\n", "pid", "split", "step", "lane",
               "batches", "waiting", "tok/s", "wait", "errors");
    for (size_t i = 0; i < json_array_size(clients); i++)
        print_client(json_array_get(clients, i));
    if (json_array_size(clients) > 0) print_shares(json_array_get(clients, 0));
    json_decref(report);
    return OK;
}

/// The operand itself when it is a socket, else what the config of that name says.
static enum err find_socket(const char *operand, struct arena *a, const char **socket)
{
    *socket = operand;
    struct datad_config config;
    if (file_is_socket(operand)) return OK;
    TRY(datad_config_read(operand, NULL, 0, a, &config));
    *socket = config.socket;
    return OK;
}

static enum err show(const char *operand, bool as_json, struct arena *a)
{
    const char *socket;
    char *report;
    TRY(find_socket(operand, a, &socket));
    TRY(status_ask(socket, a, &report));
    if (!as_json) return print_table(report);
    fputs(report, stdout);
    return OK;
}

enum err command_datad_status(int argc, char **argv)
{
    bool as_json = false;
    const struct cli_option options[] = {{"json", 0, CLI_FLAG, &as_json, NULL, "print JSON"}};
    const struct cli_usage usage = {.synopsis = "weft datad status SOCKET|CONFIG",
                                    .summary = "show what a running datad does for each client",
                                    .example = "weft datad status run/datad.sock",
                                    .options = options,
                                    .n_options = 1};
    const char *operand;
    TRY(cli_parse_one(argc, argv, &usage, &operand));
    struct arena a;
    arena_init(&a, "datad status");
    const enum err e = show(operand, as_json, &a);
    arena_fini(&a);
    return e;
}
