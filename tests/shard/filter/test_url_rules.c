// Rules for addresses, list by list. With --lists FOLDER, judges standard input line by line by the
// lists in the folder's files (labels_parity.py).
#include "shard/filter/url_rules.h"

#include <unistd.h>

#include "base/file.h"
#include "tests/check.h"

static struct arena a;

static struct span of(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

static enum err open_lists(const char *folder, struct url_rules **out)
{
    const char *paths[URL_LISTS];
    for (enum url_list list = 0; list < URL_LISTS; list++)
        paths[list] = arena_printf(&a, "%s/%s", folder, url_list_name(list));
    return url_rules_open(paths, &a, out);
}

static void judge_lines(const char *folder)
{
    struct url_rules *r;
    CHECK_OK(open_lists(folder, &r));
    char *line = NULL;
    size_t capacity = 0;
    for (ssize_t n; (n = getline(&line, &capacity, stdin)) > 0;) {
        const struct span url = {(const uint8_t *)line, (size_t)n - (line[n - 1] == '\n')};
        const enum url_list list = url_rules_judge(r, url);
        puts(list == URL_LISTS ? "kept" : url_list_name(list));
    }
}

static void write_list(const char *folder, enum url_list list, const char *text)
{
    const char *path = arena_printf(&a, "%s/%s", folder, url_list_name(list));
    CHECK_OK(file_replace(path, text, strlen(text)));
}

static void check_cases(const char *folder)
{
    write_list(folder, URL_DOMAINS, "# comment\nbad.example\nhost.good.example\n");
    write_list(folder, URL_ADDRESSES, "https://fine.example/one\n");
    write_list(folder, URL_WORDS, "Casino\n");
    write_list(folder, URL_SOFT_WORDS, "win\nprize\n");
    write_list(folder, URL_SUBWORDS, "poker-room\n");
    struct url_rules *r;
    CHECK_OK(open_lists(folder, &r));
    static const struct {
        const char *url;
        enum url_list list;
    } cases[] = {{"https://bad.example/x", URL_DOMAINS},
                 {"https://user@www.BAD.example:80/x", URL_DOMAINS},
                 {"https://notbad.example/x", URL_LISTS},
                 {"http://host.good.example", URL_DOMAINS},
                 {"http://good.example", URL_LISTS},
                 {"https://fine.example/one", URL_ADDRESSES},
                 {"https://fine.example/one?", URL_LISTS},
                 {"https://x.example/the-casino-page", URL_WORDS},
                 {"https://x.example/Casino", URL_LISTS}, // words keep their case, as there
                 {"https://x.example/casinos", URL_LISTS},
                 {"https://x.example/win/win", URL_LISTS},
                 {"https://x.example/win-a-prize", URL_SOFT_WORDS},
                 {"https://x.example/my_Poker.rooms", URL_SUBWORDS},
                 {"", URL_LISTS}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_EQ(url_rules_judge(r, of(cases[i].url)), cases[i].list);
}

static void check_none(void)
{
    struct url_rules *r;
    const char *const none[URL_LISTS] = {0};
    CHECK_OK(url_rules_open(none, &a, &r));
    CHECK_EQ(url_rules_judge(r, of("https://anything.example")), URL_LISTS);
    const char *const absent[URL_LISTS] = {"no-such-list"};
    CHECK_ERR(url_rules_open(absent, &a, &r), ERR_IO);
}

int main(int argc, char **argv)
{
    arena_init(&a, "test_url_rules");
    if (argc == 3 && strcmp(argv[1], "--lists") == 0) {
        judge_lines(argv[2]);
    } else {
        const char *folder = arena_printf(&a, "url_rules.%d", (int)getpid());
        CHECK_OK(file_make_folders(folder));
        check_cases(folder);
        check_none();
        CHECK_OK(file_remove_tree(folder));
    }
    arena_fini(&a);
    return 0;
}
