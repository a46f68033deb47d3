#include "base/cli.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "base/spell.h"
#include "tests/check.h"

static uint64_t ranks;
static double rate;
static bool json;
static const char *out;
static struct cli_list set;

static const struct cli_option options[] = {
    {"ranks", 'n', CLI_U64, &ranks, "RANKS", "how many ranks"},
    {"rate", 0, CLI_F64, &rate, "RATE", "a rate"},
    {"json", 'j', CLI_FLAG, &json, NULL, "print JSON"},
    {"output", 'o', CLI_TEXT, &out, "FILE", "where to"},
    {"set", 0, CLI_LIST, &set, "KEY=VALUE", "override a key"},
};
static const struct cli_usage usage = {.synopsis = "weft demo [OPTION]... FILE [FILE]",
                                       .summary = "Shows options.",
                                       .example = "weft demo -n 2 x",
                                       .options = options,
                                       .n_options = sizeof options / sizeof options[0],
                                       .min_operands = 1,
                                       .max_operands = 2};

static char **operands;
static size_t n_operands;

// Parses the words of line.
static enum err parse(const char *line)
{
    static char words[300];
    char *argv[32], *rest = words;
    int argc = 0;
    snprintf(words, sizeof words, "%s", line);
    while (rest != NULL)
        argv[argc++] = strsep(&rest, " ");
    ranks = 1;
    rate = 0;
    json = false;
    out = NULL;
    set.n_items = 0;
    return cli_parse(argc, argv, &usage, &operands, &n_operands);
}

static void test_good(void)
{
    CHECK_OK(parse("demo a"));
    CHECK(n_operands == 1 && ranks == 1 && !json && out == NULL);
    CHECK_OK(parse("demo -n 4 a --json b --rate=2.5 --output x"));
    CHECK(n_operands == 2 && ranks == 4 && json && rate == 2.5);
    CHECK_TEXT(operands[0], "a");
    CHECK_TEXT(operands[1], "b");
    CHECK_TEXT(out, "x");
    CHECK_OK(parse("demo -n8 -oy --set a=1 --set=b=2 -- --json"));
    CHECK(ranks == 8 && !json && set.n_items == 2);
    CHECK_TEXT(out, "y");
    CHECK_TEXT(set.items[1], "b=2");
    CHECK_TEXT(operands[0], "--json");
    CHECK_OK(parse("demo -"));
    CHECK_TEXT(operands[0], "-");
    CHECK_OK(parse("demo a --output -n"));
    CHECK_TEXT(out, "-n");
}

static void test_bad(void)
{
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"demo", "demo: missing operand; usage: weft demo [OPTION]... FILE [FILE]"},
        {"demo a b c", "demo: unexpected operand 'c'; usage: weft demo [OPTION]... FILE [FILE]"},
        {"demo --rnaks 3 a", "demo: unknown option '--rnaks'; did you mean '--ranks'?"},
        {"demo --hepl", "demo: unknown option '--hepl'; did you mean '--help'?"},
        {"demo --zzzzzz=3 a", "demo: unknown option '--zzzzzz'; see --help"},
        {"demo -x a", "demo: unknown option '-x'; see --help"},
        {"demo a -n", "demo: --ranks needs a value: RANKS"},
        {"demo a -n 4x", "demo: --ranks must be a whole number, not '4x'"},
        {"demo a -n -4", "demo: --ranks must be a whole number, not '-4'"},
        {"demo a --ranks=", "demo: --ranks must be a whole number, not ''"},
        {"demo a --rate nan", "demo: --rate must be a number, not 'nan'"},
        {"demo a --json=1", "demo: --json takes no value"},
        {"demo a -j1", "demo: --json takes no value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_ERR(parse(cases[i].line), ERR_USAGE);
        CHECK_LINE(cases[i].message);
    }
    char demo[] = "demo", repeated[] = "--set=a", *argv[CLI_LIST_LIMIT + 8];
    int argc = 0;
    argv[argc++] = demo;
    for (int i = 0; i <= CLI_LIST_LIMIT; i++)
        argv[argc++] = repeated;
    CHECK_ERR(cli_parse(argc, argv, &usage, &operands, &n_operands), ERR_USAGE);
    CHECK_LINE("demo: --set more than 64 times");
}

static void test_one_operand(void)
{
    char demo[] = "demo", flag[] = "--json", a[] = "a", b[] = "b";
    const char *operand = NULL;
    CHECK_ERR(cli_parse_one(2, (char *[]){demo, flag}, &usage, &operand), ERR_USAGE);
    CHECK_ERR(cli_parse_one(3, (char *[]){demo, a, b}, &usage, &operand), ERR_USAGE);
    CHECK_LINE("demo: unexpected operand 'b'; usage: weft demo [OPTION]... FILE [FILE]");
    CHECK(operand == NULL);
    CHECK_OK(cli_parse_one(3, (char *[]){demo, flag, a}, &usage, &operand));
    CHECK_TEXT(operand, "a");
}

static int seen_argc;

static enum err command_seen(int argc, char **argv)
{
    seen_argc = argc;
    CHECK_TEXT(argv[0], "build");
    return ERR_DATA;
}

static void test_dispatch(void)
{
    static const struct cli_command commands[] = {{"build", command_seen, "builds"},
                                                  {"verify", command_seen, "verifies"}};
    char shard[] = "shard", build[] = "build", x[] = "x", misspelt[] = "biuld", odd[] = "zzzzz";
    CHECK_ERR(cli_dispatch(3, (char *[]){shard, build, x}, "weft shard", commands, 2), ERR_DATA);
    CHECK(seen_argc == 2);
    CHECK_ERR(cli_dispatch(2, (char *[]){shard, misspelt}, "weft shard", commands, 2), ERR_USAGE);
    CHECK_LINE("unknown command 'biuld'; did you mean 'weft shard build'?");
    CHECK_ERR(cli_dispatch(2, (char *[]){shard, odd}, "weft shard", commands, 2), ERR_USAGE);
    CHECK_LINE("unknown command 'zzzzz'; 'weft shard --help' lists them");
    CHECK_ERR(cli_dispatch(1, (char *[]){shard}, "weft shard", commands, 2), ERR_USAGE);
}

// --help prints to stdout and ends the process with 0.
static void test_help(void)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        if (dup2(ends[1], STDOUT_FILENO) < 0) _exit(9);
        _exit(8 + (parse("demo a --help b c d") == OK));
    }
    close(ends[1]);
    char text[1000] = "";
    size_t n = 0;
    for (ssize_t got; n < sizeof text - 1; n += (size_t)got)
        if ((got = read(ends[0], text + n, sizeof text - 1 - n)) <= 0) break;
    close(ends[0]);
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_TEXT(text, "usage: weft demo [OPTION]... FILE [FILE]\n"
                     "Shows options.\n\noptions:\n"
                     "  -n, --ranks RANKS            how many ranks\n"
                     "      --rate RATE              a rate\n"
                     "  -j, --json                   print JSON\n"
                     "  -o, --output FILE            where to\n"
                     "      --set KEY=VALUE          override a key (may be repeated)\n"
                     "\nexample:\n  weft demo -n 2 x\n");
}

static void test_spell(void)
{
    static const char *const words[] = {"model.layers", "model.width", "train.lr"};
    CHECK(spell_nearest("model.layrs", words, 3) == 0);
    CHECK(spell_nearest("model.wdith", words, 3) == 1);
    CHECK(spell_nearest("mdoel.width", words, 3) == 1);
    CHECK(spell_nearest("lr", words, 3) == 2);
    CHECK(spell_nearest("ba", (const char *const[]){"ab"}, 1) == 0); // one transposition
    CHECK(spell_nearest("ba", (const char *const[]){"cd"}, 1) == 1);
    CHECK(spell_nearest("width", words, 3) == 1);
    CHECK(spell_nearest("banana", words, 3) == 3);
    CHECK(spell_nearest("", words, 3) == 3);
    CHECK(spell_nearest("x", words, 0) == 0);
    char longer[500];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    CHECK(spell_nearest(longer, words, 3) == 3);
}

static void test_numbers(void)
{
    static const char *const bad[] = {"",    " 1",    "1 ",  "01",   "00",    "-0x1",  "1e",
                                      "1e+", "1.",    ".1",  "+1",   "1,0",   "inf",   "nan",
                                      "1_0", "0x1p3", "--1", "1.5.", "1e999", "1e-999"};
    uint64_t whole = 7;
    double number = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(!number_parse_f64(bad[i], &number) && number == 7);
        CHECK(!number_parse_u64(bad[i], &whole) && whole == 7);
    }
    CHECK(!number_parse_u64("-1", &whole) && !number_parse_u64("1.5", &whole));
    CHECK(!number_parse_u64("18446744073709551616", &whole));
    CHECK(number_parse_u64("18446744073709551615", &whole) && whole == UINT64_MAX);
    CHECK(number_parse_u64("0", &whole) && whole == 0);
    CHECK(number_parse_f64("-1.5e+3", &number) && number == -1500);
    CHECK(number_parse_f64("0.1", &number) && number == 0.1);
    CHECK(number_parse_f64("5e-324", &number) && number > 0);
    char text[NUMBER_F64_BYTES];
    const double values[] = {0,       -0.0,  1,      -1,        0.1,
                             1.0 / 3, 1e300, 5e-324, 1000,      3e-4,
                             1e15,    1e-7,  0x1p53, 123456.75, 1.7976931348623157e308};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        number_print_f64(values[i], text);
        CHECK(number_parse_f64(text, &number));
        CHECK(memcmp(&number, &values[i], sizeof number) == 0);
    }
    number_print_f64(1000, text);
    CHECK_TEXT(text, "1000");
    number_print_f64(3e-4, text);
    CHECK_TEXT(text, "0.0003");
}

int main(void)
{
    test_good();
    test_one_operand();
    test_bad();
    test_dispatch();
    test_help();
    test_spell();
    test_numbers();
    return 0;
}
