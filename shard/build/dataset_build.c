#include "shard/build/dataset_build.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/pool.h"
#include "base/size.h"
#include "base/text.h"
#include "shard/build/assemble.h"
#include "shard/build/survey.h"
#include "shard/dataset/dataset_folder.h"
#include "shard/dataset/dataset_index.h"
#include "shard/format/shard.h"
#include "shard/read/bin_edges.h"

enum { TOKENIZER_BYTES_LIMIT = 256 << 20 };
static const uint64_t MEMORY_DEFAULT = 2ULL << 30;
static const uint64_t PART_FILE_BYTES = 64 << 20, PART_FILE_BYTES_LEAST = 1 << 20;
static const uint64_t DEADLINE_NS = 30ULL * 24 * 3600 * 1000000000; // a rank may have more to do

struct builder {
    const struct dataset_build_options *options;
    struct fabric *fabric;
    int rank, n_ranks;
    struct arena run;
    struct dataset_folder folder; // locked by rank 0 alone
    struct inputs inputs;
    struct part_list parts;
    struct judge *judge;
    struct passes *passes; // NULL: documents are not compared
    struct encoder encoder;
    struct pool *pool;
    struct bin_edges bin_edges;
    struct reader_options reader;
    const char *last_station; // whose rows are assembled
    struct part_counts counts;
    struct dataset_build_result result;
};

static uint64_t memory_bytes(const struct builder *b)
{
    return b->options->memory_bytes ? b->options->memory_bytes : MEMORY_DEFAULT;
}

static uint64_t part_file_bytes(const struct builder *b)
{
    return size_max(PART_FILE_BYTES_LEAST, size_min(PART_FILE_BYTES, memory_bytes(b) / 32));
}

static enum err agree(struct builder *b, enum err e)
{
    if (e != OK && b->n_ranks > 1 && file_exists(b->folder.work)) {
        char cause[1024];
        snprintf(cause, sizeof cause, "%s", err_line());
        station_stop(b->folder.work);
        e = fail(e, "%s", cause);
    }
    return fabric_agree(b->fabric, e);
}

// What rows depend on

static enum err describe_file(struct text *out, const char *name, const char *path)
{
    struct stat st;
    if (!path) return OK;
    if (stat(path, &st) != 0) return fail(ERR_IO, "open %s: %s", path, strerror(errno));
    text_printf(out, "%s %s %lld %lld %lld\n", name, path, (long long)st.st_size,
                (long long)st.st_mtim.tv_sec, (long long)st.st_mtim.tv_nsec);
    return OK;
}

static enum err describe_options(struct builder *b, struct text *out)
{
    const struct dataset_build_options *o = b->options;
    const struct judge_options *j = &o->judge;
    char hex[33];
    hash_hex(b->encoder.hash, hex);
    text_printf(out, "build 1\nseparator %s\nextract %d\npii %d\nkeep %d\nprofile %s\n",
                o->separator ? o->separator : "", (int)j->extract, j->mask_pii, j->keep_dropped,
                j->filter.profile);
    for (size_t i = 0; i < j->filter.n_overrides; i++)
        text_printf(out, "rule %s\n", j->filter.overrides[i]);
    text_printf(out, "tokenizer %s %u %u\n", hex, b->encoder.vocabulary, b->encoder.n_bins);
    TRY(describe_file(out, "bins", o->bins));
    TRY(describe_file(out, "languages", j->language_model));
    for (int i = 0; i < URL_LISTS; i++)
        TRY(describe_file(out, url_list_name((enum url_list)i), j->url_lists[i]));
    return OK;
}

// Every rank must see the same inputs and options, or they would write different parts.
static enum err compare(struct builder *b, struct hash128 mine)
{
    struct hash128 *all = ARENA_ARRAY(&b->run, struct hash128, b->n_ranks);
    TRY(fabric_all_gather(b->fabric, &mine, sizeof mine, all));
    for (int r = 1; r < b->n_ranks; r++) {
        if (all[r].lo != all[0].lo || all[r].hi != all[0].hi)
            return fail(ERR_DATA, "rank %d sees other inputs or options than rank 0", r);
    }
    return OK;
}

static enum err open_passes(struct builder *b)
{
    const struct dataset_build_options *o = b->options;
    const struct passes_options passes = {.list = o->dedup,
                                          .minhash = o->minhash,
                                          .evaluation = o->evaluation,
                                          .n_evaluation = o->n_evaluation,
                                          .report = b->folder.partial,
                                          .fabric = b->fabric,
                                          .work = b->folder.work,
                                          .memory_bytes = memory_bytes(b) / 4 * 3};
    return passes_open(&passes, &b->run, &b->passes);
}

static enum err open_inputs(struct builder *b)
{
    const struct dataset_build_options *o = b->options;
    struct judge_options judge = o->judge;
    if (!judge.filter.profile) judge.filter.profile = "none";
    if (o->bins) TRY(bin_edges_read(o->bins, &b->run, &b->bin_edges));
    TRY(encoder_open(&b->encoder, o->tokenizer, o->bins ? BIN_EDGES_BINS : 0, &b->run));
    TRY(judge_open(&judge, &b->run, &b->judge));
    TRY(inputs_list(o->inputs, o->n_inputs, &b->run, &b->inputs));
    b->result.n_files = b->inputs.n_files;
    b->result.n_skipped_files = b->inputs.n_skipped;
    TRY(open_passes(b));
    b->reader = (struct reader_options){.separator = o->separator,
                                        .skip_bad = o->skip_bad,
                                        .lost = o->lost,
                                        .context = o->context,
                                        .bin_edges = o->bins ? &b->bin_edges : NULL,
                                        .has_end_of_text = true,
                                        .end_of_text = b->encoder.end_of_text};
    return pool_open(&b->run, o->n_workers, &b->pool);
}

// What ranks must agree in before they share the looking: the inputs as they were listed.
static struct hash128 hash_of_inputs(const struct builder *b)
{
    struct hash128 all = {0};
    for (size_t i = 0; i < b->inputs.n_files; i++) {
        const struct input_file *file = &b->inputs.files[i];
        const struct hash128 path = hash_xxh3_128(file->path, strlen(file->path));
        all = hash_pair(hash_pair(all, path), (struct hash128){.lo = file->n_bytes});
    }
    return all;
}

static enum err list_parts(struct builder *b, uint64_t part_bytes)
{
    struct text what;
    text_begin(&what, &b->run);
    TRY(describe_options(b, &what));
    return part_list_make(&b->inputs, part_bytes, hash_xxh3_128(what.data, what.n_bytes),
                          b->n_ranks, &b->run, &b->parts);
}

static enum err divide(struct builder *b)
{
    const uint64_t wanted = b->options->part_bytes;
    const uint64_t part_bytes = wanted ? wanted : part_list_bytes(&b->inputs);
    const struct survey_options survey = {&b->reader, part_bytes, b->fabric, b->pool};
    TRY(compare(b, hash_of_inputs(b)));
    TRY(survey_cut(&survey, &b->inputs, &b->run, &b->inputs));
    TRY(agree(b, list_parts(b, part_bytes)));
    return compare(b, b->parts.fingerprint);
}

static enum err begin_folder(struct builder *b)
{
    const char *out = b->options->out;
    if (b->rank != 0) return OK;
    TRY(dataset_folder_begin(out, &b->run, &b->folder));
    return station_unstop(b->folder.work);
}

// Stations

static struct station_options station(struct builder *b, const char *name)
{
    const struct dataset_build_options *o = b->options;
    return (struct station_options){.name = name,
                                    .inputs = &b->inputs,
                                    .parts = &b->parts,
                                    .reader = &b->reader,
                                    .judge = b->judge,
                                    .n_scores = filter_n_scores(judge_filter(b->judge)),
                                    .keep_dropped = o->judge.keep_dropped,
                                    .skip_bad = o->skip_bad,
                                    .file_bytes = part_file_bytes(b),
                                    .folder = b->folder.work,
                                    .pool = b->pool,
                                    .rank = b->rank,
                                    .n_ranks = b->n_ranks,
                                    .progress = b->rank == 0 ? o->progress : NULL,
                                    .context = o->context};
}

// What the rows of encoding depend on beside their part: all parts, and the passes.
static enum err salt_of_passes(struct builder *b, struct hash128 *out)
{
    const struct dataset_build_options *o = b->options;
    char hex[33];
    struct text what;
    text_begin(&what, &b->run);
    hash_hex(b->parts.fingerprint, hex);
    text_printf(&what, "%s\n%s\n%s\n", hex, o->dedup ? o->dedup : "", o->minhash ? o->minhash : "");
    for (size_t i = 0; i < o->n_evaluation; i++)
        TRY(describe_file(&what, "evaluation", o->evaluation[i]));
    *out = hash_xxh3_128(what.data, what.n_bytes);
    return OK;
}

// One station is enough when documents are not compared.
static enum err run_stations(struct builder *b)
{
    struct station_options judge = station(b, "judge"), encode = station(b, "encode");
    judge_stages(b->judge, &judge.stages);
    if (!b->passes) {
        judge.encoder = &b->encoder;
        funnel_add_row(&judge.stages, "encode");
        b->last_station = judge.name;
        return agree(b, station_run(&judge));
    }
    TRY(agree(b, salt_of_passes(b, &encode.salt)));
    TRY(agree(b, station_run(&judge)));
    encode.from = judge.name;
    encode.passes = b->passes;
    TRY(passes_run(b->passes, &encode));
    passes_stages(b->passes, &encode.stages);
    encode.encoder = &b->encoder;
    funnel_add_row(&encode.stages, "encode");
    b->last_station = encode.name;
    return agree(b, station_run(&encode));
}

// The shards

// Adds up what stations say of all parts, and lists the files of the last one.
static enum err gather_parts(struct builder *b, const char *station, struct funnel *funnel,
                             struct part_counts *counts)
{
    for (size_t part = 0; part < b->parts.n_parts; part++) {
        struct part_done done;
        TRY(station_done(b->folder.work, station, part, &b->run, &done));
        part_counts_add(counts, &done.counts);
        if (part == 0)
            *funnel = done.funnel;
        else
            funnel_add(funnel, &done.funnel);
    }
    return OK;
}

// Of the last station, but what judging left out.
static enum err gather_counts(struct builder *b)
{
    struct funnel funnel = {0};
    TRY(gather_parts(b, "judge", &b->result.funnel, &b->counts));
    if (!b->passes) return OK;
    const struct part_counts judged = b->counts;
    b->counts = (struct part_counts){0};
    TRY(gather_parts(b, b->last_station, &funnel, &b->counts));
    b->counts.empty += judged.empty;
    b->counts.bad += judged.bad;
    b->counts.bad_bytes += judged.bad_bytes;
    b->counts.other += judged.other;
    for (size_t i = 0; i < funnel.n_rows; i++)
        b->result.funnel.rows[b->result.funnel.n_rows++] = funnel.rows[i];
    return OK;
}

static enum err list_files(struct builder *b, struct assemble_options *o)
{
    const char **files = ARENA_ARRAY(&b->run, const char *, b->counts.files);
    for (size_t part = 0; part < b->parts.n_parts; part++) {
        struct part_done done;
        TRY(station_done(b->folder.work, b->last_station, part, &b->run, &done));
        for (size_t i = 0; i < done.counts.files; i++)
            files[o->n_files++] = station_file(b->folder.work, b->last_station, part, i, &b->run);
    }
    o->files = files;
    return OK;
}

static enum err prepare_assembly(struct builder *b, struct assemble_options *out)
{
    const struct dataset_build_options *o = b->options;
    const struct filter *filter = judge_filter(b->judge);
    TRY(gather_counts(b));
    const size_t n_scores = filter_n_scores(filter);
    const char **names = ARENA_ARRAY(&b->run, const char *, n_scores);
    for (size_t i = 0; i < n_scores; i++)
        names[i] = filter_score_name(filter, i);
    *out =
        (struct assemble_options){.folder = b->folder.partial,
                                  .limits = {.bin_tokens = o->bin_tokens,
                                             .shard_tokens = o->shard_tokens,
                                             .bin_image_bytes = DATASET_BUILD_BIN_IMAGE_BYTES,
                                             .shard_image_bytes = DATASET_BUILD_SHARD_IMAGE_BYTES},
                                  .codec = o->codec,
                                  .vocabulary = b->encoder.vocabulary,
                                  .end_of_text = b->encoder.end_of_text,
                                  .tokenizer_hash = b->encoder.hash,
                                  .score_names = names,
                                  .n_scores = n_scores,
                                  .verdicts = o->judge.keep_dropped,
                                  .languages = judge_has_languages(b->judge),
                                  .urls = b->counts.with_url > 0,
                                  .loss_runs = b->counts.with_losses > 0,
                                  .images = b->counts.images > 0,
                                  .pool = b->pool};
    return list_files(b, out);
}

static enum err write_shards(struct builder *b, const struct assemble_options *o,
                             const struct assemble_plan *plan)
{
    for (size_t s = (size_t)b->rank; s < plan->n_shards; s += (size_t)b->n_ranks)
        TRY(assemble_write(o, plan, s));
    return OK;
}

static const struct funnel_row *narrowest(const struct funnel *f)
{
    const struct funnel_row *row = f->rows;
    for (size_t i = 1; i < f->n_rows; i++) {
        const struct funnel_row *other = &f->rows[i];
        const uint64_t n_dropped = row->documents_in - row->documents_out;
        if (other->documents_in - other->documents_out > n_dropped) row = other;
    }
    return row;
}

// Of a build without documents nothing is worth keeping.
static enum err check_documents(struct builder *b)
{
    if (b->counts.rows) return OK;
    TRY(b->rank == 0 ? file_remove_tree(b->folder.work) : OK);
    const struct funnel *f = &b->result.funnel;
    if (f->n_rows && f->rows[0].documents_out > b->counts.empty)
        return fail(ERR_DATA,
                    "no document is left of %" PRIu64 " (%" PRIu64 " files read); most went at %s",
                    f->rows[0].documents_out, b->result.n_files, narrowest(f)->name);
    return fail(ERR_DATA,
                "no document in the input (%" PRIu64 " files read, %" PRIu64
                " of other kinds, %" PRIu64 " empty documents, %" PRIu64 " bad ones)",
                b->result.n_files, b->result.n_skipped_files, b->counts.empty, b->counts.bad);
}

// The index

static enum err write_tokenizer(struct builder *b, struct dataset_index *index)
{
    index->tokenizer_file = index->tokenizer_file_hash = "";
    if (!b->encoder.tokenizer) return OK;
    const char *name = tokenizer_file_name(b->encoder.tokenizer);
    const char *path = arena_printf(&b->run, "%s/%s", b->folder.partial, name);
    struct span bytes;
    TRY(tokenizer_save(b->encoder.tokenizer, path));
    TRY(file_read(path, TOKENIZER_BYTES_LIMIT, &b->run, &bytes));
    index->tokenizer_file = name;
    index->tokenizer_file_hash =
        dataset_index_hex(hash_xxh3_128(bytes.data, bytes.n_bytes), &b->run);
    return OK;
}

// What a shard that some rank has written says of itself.
static enum err describe_shard(struct builder *b, const struct assemble_plan *plan, size_t i,
                               struct dataset_index_shard *out)
{
    struct arena scratch;
    struct shard *shard = NULL;
    arena_init(&scratch, "shard");
    const char *name = assemble_shard_name(i, &b->run);
    enum err e =
        shard_open(arena_printf(&scratch, "%s/%s", b->folder.partial, name), &scratch, &shard);
    if (e == OK) {
        const struct layout *l = shard_layout(shard);
        *out = (struct dataset_index_shard){.file = name,
                                            .id = dataset_index_hex(l->file_id, &b->run),
                                            .n_bytes = l->file_bytes,
                                            .n_documents = plan->shards[i].n_documents,
                                            .n_tokens = plan->shards[i].n_tokens,
                                            .n_bins = plan->shards[i].n_bins};
    }
    shard_close(shard);
    arena_fini(&scratch);
    return e;
}

static enum err fill_index(struct builder *b, const struct assemble_plan *plan,
                           struct dataset_index *index)
{
    const struct dataset_build_result *r = &b->result;
    *index = (struct dataset_index){.n_shards = plan->n_shards,
                                    .vocabulary = b->encoder.vocabulary,
                                    .end_of_text = b->encoder.end_of_text,
                                    .funnel = r->funnel,
                                    .lost = {.n_files = r->n_skipped_files,
                                             .n_empty = b->counts.empty,
                                             .n_bad = b->counts.bad,
                                             .bad_bytes = b->counts.bad_bytes,
                                             .n_other = b->counts.other}};
    index->tokenizer_hash = dataset_index_hex(b->encoder.hash, &b->run);
    index->shards = ARENA_ARRAY(&b->run, struct dataset_index_shard, plan->n_shards);
    for (size_t i = 0; i < plan->n_shards; i++) {
        TRY(describe_shard(b, plan, i, &index->shards[i]));
        index->n_documents += index->shards[i].n_documents;
        index->n_tokens += index->shards[i].n_tokens;
        index->n_bins += index->shards[i].n_bins;
    }
    return OK;
}

static void fill_result(struct builder *b, const struct dataset_index *index)
{
    struct dataset_build_result *r = &b->result;
    r->n_documents = index->n_documents;
    r->n_tokens = index->n_tokens;
    r->n_bins = index->n_bins;
    r->n_shards = index->n_shards;
    r->n_dropped = b->counts.dropped;
    r->n_empty = b->counts.empty;
    r->n_bad = b->counts.bad;
    r->bad_bytes = b->counts.bad_bytes;
    r->n_other = b->counts.other;
    r->text_bytes = b->counts.text_bytes;
    for (size_t i = 0; i < index->n_shards; i++)
        r->file_bytes += index->shards[i].n_bytes;
}

static enum err write_bins(struct builder *b)
{
    if (!b->options->bins) return OK;
    return bin_edges_write(&b->bin_edges, arena_printf(&b->run, "%s/bins.json", b->folder.partial));
}

static enum err write_index(struct builder *b, const struct assemble_plan *plan)
{
    struct dataset_index index;
    if (b->rank != 0) return OK;
    TRY(fill_index(b, plan, &index));
    TRY(write_tokenizer(b, &index));
    TRY(write_bins(b));
    TRY(dataset_index_write(&index, b->folder.partial));
    fill_result(b, &index);
    return dataset_folder_commit(&b->folder);
}

static enum err assemble(struct builder *b)
{
    struct assemble_options o;
    struct assemble_plan plan;
    enum err e = prepare_assembly(b, &o);
    if (e == OK) e = check_documents(b);
    if (e == OK) e = assemble_plan_make(&o, &b->run, &plan);
    TRY(agree(b, e));
    TRY(agree(b, write_shards(b, &o, &plan)));
    return agree(b, write_index(b, &plan));
}

// The whole

static enum err build(struct builder *b)
{
    dataset_folder_name(b->options->out, &b->run, &b->folder);
    TRY(agree(b, open_inputs(b)));
    TRY(divide(b));
    TRY(agree(b, begin_folder(b)));
    TRY(run_stations(b));
    return assemble(b);
}

// Whether a part of the work is finished, so that the next build need not begin afresh.
static bool worth_keeping(struct builder *b)
{
    struct file_list list;
    if (!b->folder.work || !file_is_folder(b->folder.work)) return false;
    if (file_list(b->folder.work, &b->run, &list) != OK) return false;
    for (size_t i = 0; i < list.n_names; i++) {
        const size_t n = strlen(list.names[i]);
        if (n > 5 && strcmp(list.names[i] + n - 5, ".done") == 0) return true;
    }
    return false;
}

static void release(struct builder *b, enum err e)
{
    if (e != OK && b->folder.fd >= 0) {
        char cause[1024];
        snprintf(cause, sizeof cause, "%s", err_line());
        b->folder.keep = worth_keeping(b);
        e = fail(e, "%s", cause);
    }
    if (b->pool) pool_close(b->pool);
    dataset_folder_end(&b->folder);
    arena_fini(&b->run);
}

static void copy_names(struct funnel *f, struct arena *a)
{
    for (size_t i = 0; i < f->n_rows; i++)
        f->rows[i].name = arena_strdup(a, f->rows[i].name);
    for (size_t i = 0; i < f->n_line_rules; i++)
        f->line_rules[i].name = arena_strdup(a, f->line_rules[i].name);
}

enum err dataset_build(const struct dataset_build_options *options, struct arena *a,
                       struct dataset_build_result *out)
{
    ASSERT(options->n_workers >= 1 && options->bin_tokens >= 1 && options->shard_tokens >= 1);
    struct builder b = {.options = options, .folder = {.fd = -1}};
    arena_init(&b.run, "shard build");
    b.fabric = options->fabric;
    enum err e = b.fabric ? OK : fabric_open_alone(&b.run, &b.fabric);
    if (e == OK) {
        b.rank = fabric_rank(b.fabric);
        b.n_ranks = fabric_size(b.fabric);
        if (!getenv("WEFT_DEADLINE_S")) fabric_set_deadline(b.fabric, DEADLINE_NS);
        e = build(&b);
    }
    if (e == OK) {
        *out = b.result;
        copy_names(&out->funnel, a);
    }
    if (b.fabric && !options->fabric) fabric_close(b.fabric);
    release(&b, e);
    return e;
}
