// WebDataset tars as ustar, GNU and pax write them: which members are a sample, and what becomes of
// it. Names that lead elsewhere open nothing; lies, sparse files and damage lose what they touch.

#include "tests/shard/read/packed.h"
#include "tests/shard/read/read_dump.h"

static const char *folder;
static const char JPEG[] = "\xff\xd8\xff\xe0 and so on", PNG[] = "\x89PNG\r\n\x1a\n and so on";
enum { BLOCK = 512 };

struct head {
    const char *name, *size; // size as written; NULL = of the content
    char type;
    bool bad_sum;
};

static void put_padding(struct text *t)
{
    static const char zeros[BLOCK];
    text_put(t, zeros, (BLOCK - t->n_bytes % BLOCK) % BLOCK);
}

static void put_entry(struct text *t, struct head head, const char *content, size_t n)
{
    char block[BLOCK] = {0}, number[16];
    memcpy(block, head.name, strlen(head.name) < 100 ? strlen(head.name) : 100);
    snprintf(number, sizeof number, "%011zo", n);
    memcpy(block + 124, head.size ? head.size : number, 12);
    block[156] = head.type ? head.type : '0';
    memcpy(block + 257, "ustar\00000", 8);
    memset(block + 148, ' ', 8);
    unsigned sum = head.bad_sum;
    for (int i = 0; i < BLOCK; i++)
        sum += (unsigned char)block[i];
    snprintf(number, sizeof number, "%06o", sum);
    memcpy(block + 148, number, 7);
    text_put(t, block, BLOCK);
    text_put(t, content, n);
    put_padding(t);
}

static void put(struct text *t, const char *name, const char *content)
{
    put_entry(t, (struct head){.name = name}, content, strlen(content));
}

// A pax header with one record, then nothing of it is in the header behind.
static void put_pax(struct text *t, const char *key, const char *value)
{
    const size_t n = strlen(key) + strlen(value) + 3;
    size_t n_all = n + 1;
    while (snprintf(NULL, 0, "%zu", n_all) + n != n_all)
        n_all = n + (size_t)snprintf(NULL, 0, "%zu", n_all);
    char *record = arena_printf(t->arena, "%zu %s=%s\n", n_all, key, value);
    put_entry(t, (struct head){.name = "PaxHeaders/x", .type = 'x'}, record, n_all);
}

static void put_end(struct text *t)
{
    static const char zeros[2 * BLOCK];
    text_put(t, zeros, sizeof zeros);
}

static const char *long_name(struct arena *a, int number, const char *suffix)
{
    return arena_printf(a, "%0150d.%s", number, suffix);
}

static void check(struct arena *a, const struct text *t, const char *expected, uint64_t n_lost)
{
    struct reader_loss loss;
    struct text packed;
    corpus_put(a, folder, "t.tar", t->data, t->n_bytes);
    CHECK_TEXT(read_dump_file(arena_printf(a, "%s/t.tar", folder), a, &loss), expected);
    CHECK_EQ(loss.n_documents, n_lost);
    text_begin(&packed, a);
    packed_gzip(&packed, t->data, t->n_bytes);
    corpus_put(a, folder, "gz/t.tar", packed.data, packed.n_bytes);
    CHECK_TEXT(read_dump_file(arena_printf(a, "%s/gz/t.tar", folder), a, &loss), expected);
    CHECK_EQ(loss.n_documents, n_lost);
}

static void test_samples(struct arena *a)
{
    struct text t;
    text_begin(&t, a);
    put_entry(&t, (struct head){.name = "d", .type = '5'}, "", 0);
    put(&t, "d/a.JPG", JPEG);
    put(&t, "d/a.txt", "one");
    put(&t, "d/a.json", "{\"caption\": \"not this\"}");
    put(&t, "d/b.json", "{\"caption\": \"two\"}");
    put(&t, "d/b.left.png", PNG);
    put(&t, "d/b.right.jpg", JPEG);
    put(&t, "d/c.jpg", JPEG);
    put(&t, "d/c.json", "{\"texts\": [\"x\", null, \"y\"], \"images\": [null, \"c.jpg\", null]}");
    put(&t, "d/__key__", "meta");
    put(&t, "d/nosuffix", "meta");
    put(&t, "d/e.cls", "5");
    put(&t, "../../etc/f.txt", "tricky");
    put(&t, "/g.txt", "absolute");
    put_entry(&t, (struct head){.name = "g.jpg", .type = '2'}, "", 0); // a link is no member
    put(&t, "h.jpg", "no image");
    put(&t, "h.txt", "h");
    put(&t, "i.txt", "i");
    put(&t, "i.TXT", "again");
    put(&t, "j.GIF", "GIF89a");
    put(&t, "j.txt", "j");
    put_pax(&t, "path", long_name(a, 7, "txt"));
    put(&t, "short", "long by pax");
    put_entry(&t, (struct head){.name = "././@LongLink", .type = 'L'}, long_name(a, 8, "caption"),
              159);
    put(&t, "short", "long by GNU");
    put_end(&t);
    check(a, &t,
          arena_printf(a,
                       "d/a [image 14][text+ one]\n"
                       "d/b [image 18][image 14][text+ two]\n"
                       "d/c [text+ x][image 14][text+ y]\n"
                       "d/e \n"
                       "../../etc/f [text+ tricky]\n"
                       "/g [text+ absolute]\n"
                       "bad: t.tar#7: .jpg is neither JPEG nor PNG nor WebP of at most 32 MiB\n"
                       "bad: t.tar#8: two members .txt\n"
                       "bad: t.tar#9: .gif is an image of a kind that is not read\n"
                       "%0150d [text+ long by pax]\n%0150d [text+ long by GNU]\n",
                       7, 8),
          0);
}

// A chat places its sample's images, or loses them.
static void test_chats(struct arena *a)
{
    struct text t;
    text_begin(&t, a);
    put(&t, "a.jpg", JPEG);
    put(&t, "a.json",
        "{\"image\": \"a.jpg\", \"messages\": [{\"role\": \"user\", \"content\": \"<image>?\"}]}");
    put(&t, "b.jpg", JPEG);
    put(&t, "b.json", "{\"messages\": [{\"role\": \"user\", \"content\": \"?\"}]}");
    put_end(&t);
    check(a, &t,
          "a [text <|user|>\n][image 14][text ?][text \n<|end|>\n]\n"
          "bad: t.tar#2: the sample's JSON has no place for its images\n",
          0);
}

static void test_lies(struct arena *a)
{
    struct text t;
    text_begin(&t, a);
    put(&t, "a.txt", "a");
    put(&t, "b.txt", "b");
    put_entry(&t, (struct head){.name = "b.jpg", .size = "77777777777 "}, "x", 1); // 8 GiB
    put(&t, "c.txt", "left out: its begin may be lost");
    put(&t, "d.txt", "d");
    put_entry(&t, (struct head){.name = "e.jpg", .size = "\x80\0\0\0\0\0\1\0\0\0\0\0"}, "x", 1);
    put(&t, "e.txt", "its image was a lie");
    put(&t, "f.txt", "left out: what follows may be its own");
    put_entry(&t, (struct head){.name = "g.txt", .bad_sum = true}, "g", 1);
    put(&t, "g.json", "{}");
    put(&t, "h.txt", "h");
    put_entry(&t, (struct head){.name = "i.jpg", .type = 'S'}, JPEG, sizeof JPEG - 1);
    put(&t, "i.txt", "its image is sparse");
    put_pax(&t, "GNU.sparse.major", "1");
    put(&t, "j.jpg", JPEG);
    put_pax(&t, "size", "999999999999999999");
    put(&t, "k.jpg", JPEG);
    put(&t, "k.txt", "its image was a lie");
    put(&t, "l.txt", "l");
    put_end(&t);
    check(a, &t, "a [text+ a]\nd [text+ d]\nh [text+ h]\nl [text+ l]\n", 6);
}

static void test_crowd(struct arena *a)
{
    struct text t;
    text_begin(&t, a);
    put(&t, "a.txt", "a");
    for (int i = 0; i < 1025; i++)
        put(&t, arena_printf(a, "b.%d", i), "");
    put(&t, "c.txt", "c");
    put_end(&t);
    check(a, &t, "a [text+ a]\nbad: t.tar#2: a sample of more than 1024 members\nc [text+ c]\n", 0);
}

static void test_cut(struct arena *a)
{
    struct text t;
    text_begin(&t, a);
    put(&t, "a.txt", "a");
    put(&t, "b.txt", "b is long enough to be cut");
    t.n_bytes -= BLOCK - 5; // padding may be missing, content may not
    check(a, &t, "a [text+ a]\n", 1);
    t.n_bytes += 40;
    check(a, &t, "a [text+ a]\nb [text+ b is long enough to be cut]\n", 0);
}

int main(void)
{
    struct arena a;
    arena_init(&a, "test");
    folder = corpus_folder(&a, "tar");
    test_samples(&a);
    test_chats(&a);
    test_lies(&a);
    test_crowd(&a);
    test_cut(&a);
    corpus_clean(&a);
    arena_fini(&a);
    return 0;
}
