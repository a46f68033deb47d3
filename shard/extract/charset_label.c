// The labels are those of the WHATWG's Encoding standard, with UTF-7's added to those refused. Its
// decoders take in more than their names say: iso-8859-1 is windows-1252, shift_jis is CP932.

#include "shard/extract/charset_label.h"

#include <string.h>
#include <strings.h>

static const struct charset charsets[] = {
    {"UTF-8", "utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8", false},
    {"CP1252",
     "windows-1252 iso-8859-1 latin1 ascii us-ascii ansi_x3.4-1968 cp1252 cp819 csisolatin1 ibm819 "
     "iso-ir-100 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 x-cp1252",
     true},
    {NULL,
     "replacement csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr utf-7 utf7 "
     "unicode-1-1-utf-7 csunicode11utf7",
     false},
    {"CP866", "ibm866 866 cp866 csibm866", true},
    {"ISO-8859-2",
     "iso-8859-2 csisolatin2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2",
     true},
    {"ISO-8859-3",
     "iso-8859-3 csisolatin3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3",
     true},
    {"ISO-8859-4",
     "iso-8859-4 csisolatin4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4",
     true},
    {"ISO-8859-5",
     "iso-8859-5 csisolatincyrillic cyrillic iso-ir-144 iso8859-5 iso88595 iso_8859-5 "
     "iso_8859-5:1988",
     true},
    {"ISO-8859-6",
     "iso-8859-6 arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6-e "
     "iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987",
     true},
    {"ISO-8859-7",
     "iso-8859-7 csisolatingreek ecma-118 elot_928 greek greek8 iso-ir-126 iso8859-7 iso88597 "
     "iso_8859-7 iso_8859-7:1987 sun_eu_greek",
     true},
    {"ISO-8859-8",
     "iso-8859-8 csiso88598e csisolatinhebrew hebrew iso-8859-8-e iso-ir-138 iso8859-8 iso88598 "
     "iso_8859-8 iso_8859-8:1988 visual iso-8859-8-i csiso88598i logical",
     true},
    {"ISO-8859-10", "iso-8859-10 csisolatin6 iso-ir-157 iso8859-10 iso885910 l6 latin6", true},
    {"ISO-8859-13", "iso-8859-13 iso8859-13 iso885913", true},
    {"ISO-8859-14", "iso-8859-14 iso8859-14 iso885914", true},
    {"ISO-8859-15", "iso-8859-15 csisolatin9 iso8859-15 iso885915 iso_8859-15 l9", true},
    {"ISO-8859-16", "iso-8859-16", true},
    {"KOI8-R", "koi8-r cskoi8r koi koi8 koi8_r", true},
    {"KOI8-U", "koi8-u koi8-ru", true},
    {"MACINTOSH", "macintosh csmacintosh mac x-mac-roman", true},
    {"CP874", "windows-874 dos-874 iso-8859-11 iso8859-11 iso885911 tis-620", true},
    {"CP1250", "windows-1250 cp1250 x-cp1250", true},
    {"CP1251", "windows-1251 cp1251 x-cp1251", true},
    {"CP1253", "windows-1253 cp1253 x-cp1253", true},
    {"CP1254",
     "windows-1254 cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 "
     "iso_8859-9:1989 l5 latin5 x-cp1254",
     true},
    {"CP1255", "windows-1255 cp1255 x-cp1255", true},
    {"CP1256", "windows-1256 cp1256 x-cp1256", true},
    {"CP1257", "windows-1257 cp1257 x-cp1257", true},
    {"CP1258", "windows-1258 cp1258 x-cp1258", true},
    {"MAC-UK", "x-mac-cyrillic x-mac-ukrainian", true},
    {"GB18030",
     "gb18030 gbk chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 iso-ir-58 x-gbk",
     false},
    {"BIG5-HKSCS", "big5 big5-hkscs cn-big5 csbig5 x-x-big5", false},
    {"EUC-JP-MS", "euc-jp cseucpkdfmtjapanese x-euc-jp", false},
    {"ISO-2022-JP", "iso-2022-jp csiso2022jp", false},
    {"CP932", "shift_jis csshiftjis ms932 ms_kanji shift-jis sjis windows-31j x-sjis", false},
    {"CP949",
     "euc-kr cseuckr csksc56011987 iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 "
     "ksc_5601 windows-949",
     false},
    {"UTF-16BE", "utf-16be unicodefffe", false},
    {"UTF-16LE", "utf-16le csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16", false}};

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool lists(const char *labels, struct span label)
{
    while (*labels) {
        const size_t n = strcspn(labels, " ");
        if (n == label.n_bytes && strncasecmp(labels, (const char *)label.data, n) == 0)
            return true;
        labels += n + (labels[n] == ' ');
    }
    return false;
}

const struct charset *charset_label_find(struct span label)
{
    while (label.n_bytes && is_space(label.data[0])) {
        label.data++;
        label.n_bytes--;
    }
    while (label.n_bytes && is_space(label.data[label.n_bytes - 1]))
        label.n_bytes--;
    if (label.n_bytes == 0) return NULL;
    for (size_t i = 0; i < sizeof charsets / sizeof charsets[0]; i++)
        if (lists(charsets[i].labels, label)) return &charsets[i];
    return NULL;
}

const struct charset *charset_label_named(const char *name)
{
    for (size_t i = 0; i < sizeof charsets / sizeof charsets[0]; i++)
        if (charsets[i].name && strcmp(charsets[i].name, name) == 0) return &charsets[i];
    return NULL;
}
