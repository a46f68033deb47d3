// Guesses, where nothing is said and the bytes are no UTF-8: a sentence in each language.

#include "shard/extract/charset_guess.h"

#include <iconv.h>

#include "shard/extract/charset.h"
#include "tests/check.h"

static const char russian[] =
    "Каждую весну сирень у забора была белой от цветов, и пахла она на весь двор.";
static const char japanese[] =
    "駅から十五分ほど歩くと、古い橋のたもとに出る。そこから川沿いの細い道が始まる。";
static const char chinese[] = "老街拐角有一间不到六平方米的铺子，门口挂着一口停了的钟。";
static const char taiwanese[] = "老街轉角有一間不到六坪的鋪子，門口掛著一個停了的鐘。";
static const char korean[] =
    "오래된 다리에서 강을 따라 좁은 길이 시작되고 맑은 날에는 먼 산까지 보인다.";
static const char greek[] = "Στο μικρό νησί δεν υπάρχουν αυτοκίνητα, μόνο γαϊδούρια και καρότσια.";
static const char hebrew[] = "בכפר הישן אין עוד מאפייה אבל ריח הלחם נשאר ברחוב הראשי.";
static const char arabic[] =
    "في القرى العالية ما زالت النساء يخبزن على حجر مسطح يوضع فوق نار هادئة";
static const char german[] =
    "Größere Mühlen können über fünf Säcke schälen, während ältere dafür länger brauchen.";
static const char french[] =
    "Après l'été, la forêt était déjà très sèche et le maître dut s'arrêter.";
static const char spanish[] =
    "Mañana el niño irá a la montaña con su pequeño burro; ¿quién más vendrá?";

static const struct guess {
    const char *encoding, *text, *expected;
} guesses[] = {{"CP1251", russian, "CP1251"},         {"KOI8-R", russian, "KOI8-R"},
               {"ISO-8859-5", russian, "ISO-8859-5"}, {"CP866", russian, "CP866"},
               {"CP932", japanese, "CP932"},          {"EUC-JP", japanese, "EUC-JP-MS"},
               {"GB18030", chinese, "GB18030"},       {"BIG5", taiwanese, "BIG5-HKSCS"},
               {"EUC-KR", korean, "CP949"},           {"CP1253", greek, "CP1253"},
               {"CP1255", hebrew, "CP1255"},          {"CP1256", arabic, "CP1256"},
               {"CP1252", german, "CP1252"},          {"CP1252", french, "CP1252"},
               {"CP1252", spanish, "CP1252"}};

// The text in an encoding, between tags that say nothing.
static struct span encode(const struct guess *g, struct arena *a)
{
    const char *html = arena_printf(a, "<body class=x><p>%s</p></body>", g->text);
    char *from = NULL, *to = arena_alloc(a, 4096, 1);
    const uint8_t *bytes = (const uint8_t *)to;
    memcpy(&from, &html, sizeof from);
    size_t n_from = strlen(html), n_to = 4096;
    iconv_t converter = iconv_open(g->encoding, "UTF-8");
    CHECK(iconv(converter, &from, &n_from, &to, &n_to) != (size_t)-1);
    iconv_close(converter);
    return (struct span){bytes, 4096 - n_to};
}

static void check_guess(const struct guess *g)
{
    struct arena a;
    struct span text;
    arena_init(&a, "guess");
    const struct span html = encode(g, &a);
    CHECK_TEXT(charset_guess(html), g->expected);
    CHECK_TEXT(charset_find(html, (struct span){0}), g->expected);
    CHECK_OK(charset_decode(html, (struct span){0}, &a, &text));
    CHECK_TEXT(arena_strndup(&a, (const char *)text.data, text.n_bytes),
               arena_printf(&a, "<body class=x><p>%s</p></body>", g->text));
    arena_fini(&a);
}

int main(void)
{
    for (size_t i = 0; i < sizeof guesses / sizeof guesses[0]; i++)
        check_guess(&guesses[i]);
    return 0;
}
