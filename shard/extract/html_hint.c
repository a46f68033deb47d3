#include "shard/extract/html_hint.h"

#include <stdbool.h>
#include <string.h>

// Short names for the table.
enum {
    HIDDEN = HTML_HINT_HIDDEN,
    NAV = HTML_HINT_NAV,
    FOOT = HTML_HINT_FOOT,
    HEAD = HTML_HINT_HEAD,
    SIDE = HTML_HINT_SIDE,
    COMMENT = HTML_HINT_COMMENT,
    SHARE = HTML_HINT_SHARE,
    RELATED = HTML_HINT_RELATED,
    AD = HTML_HINT_AD,
    NOTICE = HTML_HINT_NOTICE,
    META = HTML_HINT_META,
    FORM = HTML_HINT_FORM,
    TOC = HTML_HINT_TOC,
    CAPTION = HTML_HINT_CAPTION,
    CONTENT = HTML_HINT_CONTENT,
    MAIN = HTML_HINT_MAIN,
    STOP = 1 << 27, // first in a class: the rest of it is a value
    KIND = 1 << 28, // names a kind of page: with BODY after it, the content
    BODY = 1 << 29
};

struct row {
    const char *word;
    uint32_t hints;
};

static const struct row rows[] = {{"elementor", STOP},
                                  {"type", STOP},
                                  {"status", STOP},
                                  {"format", STOP},
                                  {"has", STOP},
                                  {"no", STOP},
                                  {"with", STOP},
                                  {"without", STOP},
                                  {"is", STOP},
                                  {"js", STOP},
                                  {"code", STOP},
                                  {"hide", STOP},
                                  {"show", STOP},
                                  {"editsection", HIDDEN},
                                  {"headerlink", HIDDEN},
                                  {"linenos", HIDDEN},
                                  {"lineno", HIDDEN},
                                  {"linenumber", HIDDEN},
                                  {"linenumbers", HIDDEN},
                                  {"sr", HIDDEN},
                                  {"offscreen", HIDDEN},
                                  {"noprint", HIDDEN},
                                  {"visuallyhidden", HIDDEN},
                                  {"nav", NAV},
                                  {"navi", NAV},
                                  {"navbar", NAV},
                                  {"navigation", NAV},
                                  {"menu", NAV},
                                  {"menubar", NAV},
                                  {"submenu", NAV},
                                  {"topnav", NAV},
                                  {"mainnav", NAV},
                                  {"sidenav", NAV},
                                  {"navbox", NAV},
                                  {"navlinks", NAV},
                                  {"navheader", NAV},
                                  {"navfooter", NAV},
                                  {"breadcrumb", NAV},
                                  {"breadcrumbs", NAV},
                                  {"crumb", NAV},
                                  {"crumbs", NAV},
                                  {"pagination", NAV},
                                  {"pager", NAV},
                                  {"paging", NAV},
                                  {"paginator", NAV},
                                  {"pagenav", NAV},
                                  {"prevnext", NAV},
                                  {"toolbar", NAV},
                                  {"dropdown", NAV},
                                  {"megamenu", NAV},
                                  {"sitemap", NAV},
                                  {"skip", NAV},
                                  {"skiplink", NAV},
                                  {"skiplinks", NAV},
                                  {"languages", NAV},
                                  {"navigational", NAV},
                                  {"footer", FOOT},
                                  {"foot", FOOT},
                                  {"bottom", FOOT},
                                  {"copyright", FOOT},
                                  {"imprint", FOOT},
                                  {"colophon", FOOT},
                                  {"contentinfo", FOOT},
                                  {"legal", FOOT},
                                  {"disclaimer", FOOT},
                                  {"catlinks", FOOT},
                                  {"header", HEAD},
                                  {"masthead", HEAD},
                                  {"banner", HEAD},
                                  {"topbar", HEAD},
                                  {"logo", HEAD},
                                  {"branding", HEAD},
                                  {"sidebar", SIDE},
                                  {"sidebars", SIDE},
                                  {"side", SIDE},
                                  {"aside", SIDE},
                                  {"widget", SIDE},
                                  {"widgets", SIDE},
                                  {"complementary", SIDE},
                                  {"rail", SIDE},
                                  {"sphinxsidebar", SIDE},
                                  {"infobox", SIDE},
                                  {"comment", COMMENT},
                                  {"comments", COMMENT},
                                  {"commentlist", COMMENT},
                                  {"respond", COMMENT},
                                  {"disqus", COMMENT},
                                  {"kommentar", COMMENT},
                                  {"kommentare", COMMENT},
                                  {"commentaires", COMMENT},
                                  {"reactions", COMMENT},
                                  {"replies", COMMENT},
                                  {"share", SHARE},
                                  {"sharing", SHARE},
                                  {"sharedaddy", SHARE},
                                  {"social", SHARE},
                                  {"follow", SHARE},
                                  {"addthis", SHARE},
                                  {"sociable", SHARE},
                                  {"addtoany", SHARE},
                                  {"facebook", SHARE},
                                  {"twitter", SHARE},
                                  {"whatsapp", SHARE},
                                  {"like", SHARE},
                                  {"shariff", SHARE},
                                  {"related", RELATED},
                                  {"recommended", RELATED},
                                  {"recommendation", RELATED},
                                  {"recommendations", RELATED},
                                  {"popular", RELATED},
                                  {"trending", RELATED},
                                  {"recent", RELATED},
                                  {"latest", RELATED},
                                  {"teaser", RELATED},
                                  {"teasers", RELATED},
                                  {"outbrain", RELATED},
                                  {"taboola", RELATED},
                                  {"seealso", RELATED},
                                  {"morenews", RELATED},
                                  {"suggestions", RELATED},
                                  {"similar", RELATED},
                                  {"yarpp", RELATED},

                                  {"ad", AD},
                                  {"ads", AD},
                                  {"advert", AD},
                                  {"adverts", AD},
                                  {"advertisement", AD},
                                  {"advertising", AD},
                                  {"adsense", AD},
                                  {"sponsor", AD},
                                  {"sponsored", AD},
                                  {"sponsors", AD},
                                  {"promo", AD},
                                  {"promotion", AD},
                                  {"newsletter", AD},
                                  {"subscribe", AD},
                                  {"subscription", AD},
                                  {"paywall", AD},
                                  {"signup", AD},
                                  {"anzeige", AD},
                                  {"werbung", AD},
                                  {"donate", AD},
                                  {"donation", AD},
                                  {"cta", AD},
                                  {"cookie", NOTICE},
                                  {"cookies", NOTICE},
                                  {"consent", NOTICE},
                                  {"gdpr", NOTICE},
                                  {"popup", NOTICE},
                                  {"modal", NOTICE},
                                  {"overlay", NOTICE},
                                  {"lightbox", NOTICE},
                                  {"alertdialog", NOTICE},
                                  {"dialog", NOTICE},
                                  {"cookiebar", NOTICE},
                                  {"tooltip", NOTICE},
                                  {"byline", META},
                                  {"author", META},
                                  {"authors", META},
                                  {"date", META},
                                  {"time", META},
                                  {"timestamp", META},
                                  {"published", META},
                                  {"posted", META},
                                  {"meta", META},
                                  {"metadata", META},
                                  {"postmetadata", META},
                                  {"tags", META},
                                  {"tag", META | STOP},
                                  {"category", META | STOP},
                                  {"categories", META},
                                  {"permalink", META},
                                  {"postmeta", META},
                                  {"dateline", META},
                                  {"rating", META},
                                  {"profile", META},
                                  {"postprofile", META},
                                  {"ratings", META},
                                  {"views", META},
                                  {"vote", META},
                                  {"votes", META},
                                  {"search", FORM},
                                  {"searchbox", FORM},
                                  {"searchform", FORM},
                                  {"login", FORM},
                                  {"register", FORM},
                                  {"toc", TOC},
                                  {"tableofcontents", TOC},
                                  {"caption", CAPTION},
                                  {"wpcaption", CAPTION},
                                  {"credit", CAPTION},
                                  {"entrycontent", CONTENT},
                                  {"articlebody", CONTENT},
                                  {"articlecontent", CONTENT},
                                  {"articletext", CONTENT},
                                  {"postcontent", CONTENT},
                                  {"postbody", CONTENT},
                                  {"storybody", CONTENT},
                                  {"storycontent", CONTENT},
                                  {"posttext", CONTENT},
                                  {"bodytext", CONTENT},
                                  {"blogpost", CONTENT},
                                  {"article", MAIN | KIND},
                                  {"entry", MAIN | KIND},
                                  {"story", MAIN | KIND},
                                  {"blog", KIND},
                                  {"news", KIND},
                                  {"page", KIND},
                                  {"main", MAIN | KIND},
                                  {"content", MAIN | BODY},
                                  {"body", MAIN | BODY},
                                  {"text", MAIN | BODY},
                                  {"inhalt", MAIN},
                                  {"contenu", MAIN},
                                  {"post", KIND},
                                  {"message", KIND},
                                  {"topic", KIND}};

enum { WORD_LIMIT = 16 };

static uint32_t hash(const char *word, size_t n)
{
    uint32_t h = (uint32_t)n;
    for (size_t i = 0; i < n; i++)
        h = h * 33 + (uint8_t)word[i];
    return (h ^ h >> 10) % HTML_HINT_SLOTS;
}

void html_hint_index_init(struct html_hint_index *index)
{
    memset(index, 0, sizeof *index);
    for (uint16_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t slot = hash(rows[i].word, strlen(rows[i].word));
        while (index->slots[slot])
            slot = (slot + 1) % HTML_HINT_SLOTS;
        index->slots[slot] = (uint16_t)(i + 1);
    }
}

static uint32_t find_word(const struct html_hint_index *index, const char *word, size_t n)
{
    if (n < 2 || n > WORD_LIMIT) return 0;
    for (uint32_t slot = hash(word, n); index->slots[slot]; slot = (slot + 1) % HTML_HINT_SLOTS) {
        const struct row *row = &rows[index->slots[slot] - 1];
        if (strncmp(row->word, word, n) == 0 && row->word[n] == 0) return row->hints;
    }
    return 0;
}

static bool is_lower(uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

// Words end at what is no letter and before a capital that follows a small letter: post-body,
// postBody. Past the word that starts at i; *n of its letters are in word, made small.
static size_t take_word(struct span name, size_t i, char *word, size_t *n)
{
    const size_t first = i;
    for (*n = 0; i < name.n_bytes; i++) {
        const uint8_t c = name.data[i];
        if (!is_lower(c) && !is_upper(c)) break;
        if (i > first && is_upper(c) && is_lower(name.data[i - 1])) break;
        if (*n <= WORD_LIMIT) word[(*n)++] = (char)(c | 0x20);
    }
    return i;
}

static uint32_t find_name(const struct html_hint_index *index, struct span name)
{
    uint32_t hints = 0, before = 0;
    bool is_first = true;
    for (size_t i = 0; i < name.n_bytes;) {
        char word[WORD_LIMIT + 1];
        size_t n;
        i = take_word(name, i, word, &n);
        if (n == 0) {
            i++;
            continue;
        }
        const uint32_t found = find_word(index, word, n);
        if (is_first && (found & STOP) && i < name.n_bytes) return 0;
        if ((before & KIND) && (found & BODY)) hints |= HTML_HINT_CONTENT;
        hints |= found;
        before = found;
        is_first = false;
    }
    return hints;
}

uint32_t html_hint_find(const struct html_hint_index *index, struct span value)
{
    uint32_t hints = 0;
    while (value.n_bytes) {
        const uint8_t *space = memchr(value.data, ' ', value.n_bytes);
        const size_t n = space ? (size_t)(space - value.data) : value.n_bytes;
        hints |= find_name(index, (struct span){value.data, n});
        value.data += n + (space != NULL);
        value.n_bytes -= n + (space != NULL);
    }
    return hints & ~(uint32_t)(STOP | KIND | BODY);
}
