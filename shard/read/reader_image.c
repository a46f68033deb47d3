// Images with captions: a file is a document, its caption the .txt beside it. (Folders whose
// captions stand in metadata.jsonl or captions.jsonl are read through that file.)

#include <string.h>

#include "base/file.h"
#include "shard/read/image_file.h"
#include "shard/read/piece_list.h"
#include "shard/read/reader_kind.h"

// The record is the caption: images are read in any thread.
enum err reader_image_next(struct reader *r, struct arena *a, struct reader_record *out)
{
    r->ended = r->state;
    if (r->ended) return OK;
    r->state = r;
    *out = (struct reader_record){.file = r->file, .options = r->options};
    const char *path = r->file->path;
    const char *dot = strrchr(path, '.');
    const char *caption =
        arena_printf(a, "%.*s.txt", (int)(dot ? dot - path : (long)strlen(path)), path);
    if (!file_exists(caption)) return OK;
    return file_read(caption, READER_DOCUMENT_LIMIT, a, &out->raw);
}

enum err reader_image_document(const struct reader_record *record, struct arena *a,
                               struct document *out)
{
    const char *path = record->file->path;
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    struct span image;
    const enum err e =
        image_file_read(path, (struct span){(const uint8_t *)name, strlen(name)}, a, &image);
    if (e != OK) return reader_fail_at(record, e);
    struct piece_list list = {.arena = a};
    piece_list_add(&list, DOCUMENT_IMAGE, false, image);
    piece_list_add(&list, DOCUMENT_TEXT, true, record->raw);
    piece_list_end(&list, out);
    return OK;
}
