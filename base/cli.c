#include "base/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/spell.h"

enum { OPTIONS_LIMIT = 48, NAME_BYTES = 40 };

struct parser {
    const struct cli_usage *usage;
    const char *command; // for messages
    char **argv;
    int argc, at; // at: the next argument to look at
};

static void help_option(const struct cli_option *o)
{
    char left[64] = "    ";
    if (o->letter != 0) snprintf(left, sizeof left, "-%c, ", o->letter);
    size_t n = strlen(left);
    snprintf(left + n, sizeof left - n, "--%s%s%s", o->name, o->value_name == NULL ? "" : " ",
             o->value_name == NULL ? "" : o->value_name);
    printf("  %-28s %s%s\n", left, o->help, o->type == CLI_LIST ? " (may be repeated)" : "");
}

_Noreturn static void help_exit(const struct cli_usage *usage)
{
    printf("usage: %s\n%s\n", usage->synopsis, usage->summary);
    if (usage->n_options > 0) printf("\noptions:\n");
    for (size_t i = 0; i < usage->n_options; i++)
        help_option(&usage->options[i]);
    if (usage->example != NULL) printf("\nexample:\n  %s\n", usage->example);
    exit(fflush(stdout) == 0 ? 0 : err_exit_code(ERR_IO));
}

static enum err unknown_option(const struct parser *p, const char *name, size_t n_name)
{
    const char *names[OPTIONS_LIMIT + 1];
    size_t n_names = 0;
    for (; n_names < p->usage->n_options; n_names++)
        names[n_names] = p->usage->options[n_names].name;
    names[n_names++] = "help";
    char word[NAME_BYTES];
    snprintf(word, sizeof word, "%.*s", (int)n_name, name);
    size_t nearest = spell_nearest(word, names, n_names);
    if (nearest == n_names)
        return fail(ERR_USAGE, "%s: unknown option '--%s'; see --help", p->command, word);
    return fail(ERR_USAGE, "%s: unknown option '--%s'; did you mean '--%s'?", p->command, word,
                names[nearest]);
}

static enum err option_store(const struct parser *p, const struct cli_option *o, const char *value)
{
    switch (o->type) {
    case CLI_FLAG:
        *(bool *)o->out = true;
        return OK;
    case CLI_U64:
        if (number_parse_u64(value, o->out)) return OK;
        return fail(ERR_USAGE, "%s: --%s must be a whole number, not '%s'", p->command, o->name,
                    value);
    case CLI_F64:
        if (number_parse_f64(value, o->out)) return OK;
        return fail(ERR_USAGE, "%s: --%s must be a number, not '%s'", p->command, o->name, value);
    case CLI_TEXT:
        *(const char **)o->out = value;
        return OK;
    case CLI_LIST: {
        struct cli_list *list = o->out;
        if (list->n_items == CLI_LIST_LIMIT)
            return fail(ERR_USAGE, "%s: --%s more than %d times", p->command, o->name,
                        CLI_LIST_LIMIT);
        list->items[list->n_items++] = value;
        return OK;
    }
    }
    return fail(ERR_INVARIANT, "%s: --%s has no type", p->command, o->name);
}

// attached is the value written in the same argument, or NULL: then the next argument is the value.
static enum err option_take(struct parser *p, const struct cli_option *o, const char *attached)
{
    if (o->type == CLI_FLAG) {
        if (attached != NULL)
            return fail(ERR_USAGE, "%s: --%s takes no value", p->command, o->name);
        return option_store(p, o, NULL);
    }
    if (attached == NULL && p->at == p->argc)
        return fail(ERR_USAGE, "%s: --%s needs a value: %s", p->command, o->name, o->value_name);
    return option_store(p, o, attached != NULL ? attached : p->argv[p->at++]);
}

static enum err long_option(struct parser *p, const char *text)
{
    size_t n_name = strcspn(text, "=");
    const char *attached = text[n_name] == '=' ? text + n_name + 1 : NULL;
    if (strcmp(text, "help") == 0) help_exit(p->usage);
    for (size_t i = 0; i < p->usage->n_options; i++) {
        const struct cli_option *o = &p->usage->options[i];
        if (strlen(o->name) == n_name && memcmp(o->name, text, n_name) == 0)
            return option_take(p, o, attached);
    }
    return unknown_option(p, text, n_name);
}

static enum err short_option(struct parser *p, const char *text)
{
    for (size_t i = 0; i < p->usage->n_options; i++) {
        const struct cli_option *o = &p->usage->options[i];
        if (o->letter == text[0]) return option_take(p, o, text[1] == '\0' ? NULL : text + 1);
    }
    if (strcmp(text, "h") == 0) help_exit(p->usage);
    return fail(ERR_USAGE, "%s: unknown option '-%s'; see --help", p->command, text);
}

static enum err check_operands(const struct parser *p, size_t n_operands, char **operands)
{
    if (n_operands < p->usage->min_operands)
        return fail(ERR_USAGE, "%s: missing operand; usage: %s", p->command, p->usage->synopsis);
    if (n_operands > p->usage->max_operands)
        return fail(ERR_USAGE, "%s: unexpected operand '%s'; usage: %s", p->command,
                    operands[p->usage->max_operands], p->usage->synopsis);
    return OK;
}

enum err cli_parse(int argc, char **argv, const struct cli_usage *usage, char ***operands,
                   size_t *n_operands)
{
    ASSERT(argc >= 1 && usage->n_options <= OPTIONS_LIMIT);
    struct parser p = {.usage = usage, .command = argv[0], .argv = argv, .argc = argc, .at = 1};
    size_t n = 0; // operands move to the front: argv[1 ..= n]
    bool options_end = false;
    while (p.at < argc) {
        char *argument = argv[p.at++];
        if (options_end || argument[0] != '-' || argument[1] == '\0')
            argv[1 + n++] = argument;
        else if (strcmp(argument, "--") == 0)
            options_end = true;
        else if (argument[1] == '-')
            TRY(long_option(&p, argument + 2));
        else
            TRY(short_option(&p, argument + 1));
    }
    TRY(check_operands(&p, n, argv + 1));
    *operands = argv + 1;
    *n_operands = n;
    return OK;
}

enum err cli_parse_one(int argc, char **argv, const struct cli_usage *usage, const char **operand)
{
    struct cli_usage one = *usage;
    one.min_operands = one.max_operands = 1;
    char **operands;
    size_t n_operands;
    TRY(cli_parse(argc, argv, &one, &operands, &n_operands));
    *operand = operands[0];
    return OK;
}

static enum err dispatch_list(const char *words, const struct cli_command *commands,
                              size_t n_commands)
{
    printf("usage: %s COMMAND [ARGUMENT]...\n\ncommands:\n", words);
    for (size_t i = 0; i < n_commands; i++)
        printf("  %-12s %s\n", commands[i].name, commands[i].summary);
    printf("\n%s COMMAND --help says more\n", words);
    return OK;
}

enum err cli_dispatch(int argc, char **argv, const char *words, const struct cli_command *commands,
                      size_t n_commands)
{
    ASSERT(n_commands <= OPTIONS_LIMIT);
    if (argc < 2) return fail(ERR_USAGE, "which command? '%s --help' lists them", words);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return dispatch_list(words, commands, n_commands);
    const char *names[OPTIONS_LIMIT];
    for (size_t i = 0; i < n_commands; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
        names[i] = commands[i].name;
    }
    size_t nearest = spell_nearest(argv[1], names, n_commands);
    if (nearest == n_commands)
        return fail(ERR_USAGE, "unknown command '%s'; '%s --help' lists them", argv[1], words);
    return fail(ERR_USAGE, "unknown command '%s'; did you mean '%s %s'?", argv[1], words,
                names[nearest]);
}
