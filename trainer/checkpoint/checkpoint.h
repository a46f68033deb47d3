#pragma once
// Checkpoints (invariant I5): a folder RUN/checkpoints/step-000100/ exists whole or not at all.
// Each rank writes its own blocks to part files under new names, fsyncs them and the folder; then
// rank 0 writes the manifest (names, sizes, checksums, tensors, step, position, hashes) to a
// temporary name, fsyncs and renames it: that is the commit. Nothing is deleted before. Contents
// are in logical coordinates (tensor, block range), so any number of ranks loads what any other
// number saved. Every byte is under a checksum: crc32c per frame seeded with file and position, the
// manifest by its own. Byte-level specification: docs/CHECKPOINT_FORMAT.md.
//
// All values are f32 components of a tensor: "master" (weights), "moment1", "moment2".

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "topology/fabric.h"

enum { CHECKPOINT_DIMS = 4, CHECKPOINT_COMPONENTS = 3, CHECKPOINT_BLOCK_ELEMS = 4096 };

struct checkpoint_tensor {
    const char *name;
    int n_dims;
    uint64_t dims[CHECKPOINT_DIMS];
    uint64_t n_elems;
    bool has_moments; // frozen tensors have only a master
};

// A run of whole blocks of one tensor that this rank holds: n_elems elements from first_elem (a
// multiple of CHECKPOINT_BLOCK_ELEMS; the tensor's last block may be short). data[c] points to
// component c, NULL when absent.
struct checkpoint_piece {
    uint64_t tensor, first_elem, n_elems;
    float *data[CHECKPOINT_COMPONENTS];
};

struct checkpoint_state {
    uint64_t step;              // steps done; also the position in the data stream
    struct hash128 stream_hash; // datad's: dataset, mixture, seed, T
    uint64_t seed;
    uint64_t state_hash; // of all master weights, order-free: verified after load
    double loss, validation_loss;
    const char *run_file; // resolved run file text
};

struct checkpoint_model {
    const struct checkpoint_tensor *tensors;
    uint64_t n_tensors;
};

/// Writes folder (RUN/checkpoints/step-N, made if needed). pieces of all ranks together cover every
/// tensor once. On an error every rank returns it, earlier checkpoints are untouched and the
/// attempt's files are removed, unless the error came after the commit: then the new checkpoint is
/// there, whole. Collective. Errors: ERR_IO; ERR_DATA (a run file that is not UTF-8).
enum err checkpoint_save(const char *folder, struct fabric *f, const struct checkpoint_model *m,
                         const struct checkpoint_piece *pieces, size_t n_pieces,
                         const struct checkpoint_state *state) MUST_CHECK;
/// Reads only the state of a committed checkpoint. Texts live in a. Local. Errors: ERR_IO (none
/// there), ERR_DATA, ERR_CORRUPT.
enum err checkpoint_read_state(const char *folder, struct arena *a,
                               struct checkpoint_state *out) MUST_CHECK;
/// The tensors of a committed checkpoint, in a. Local.
enum err checkpoint_read_model(const char *folder, struct arena *a,
                               struct checkpoint_model *out) MUST_CHECK;
enum { CHECKPOINT_WEIGHTS = 1, CHECKPOINT_ALL = 7 };

/// Fills the pieces, whatever ranks saved them; checks every checksum it reads. A tensor that is
/// missing or of another shape is ERR_DATA naming it and both shapes (checkpoint of another model),
/// and so are elements that are missing or there twice. components: bit c = fill component c,
/// or CHECKPOINT_WEIGHTS or CHECKPOINT_ALL.
/// Local; ranks agree afterwards.
enum err checkpoint_load(const char *folder, const struct checkpoint_model *m,
                         const struct checkpoint_piece *pieces, size_t n_pieces,
                         unsigned components) MUST_CHECK;
/// The newest committed checkpoint under run_folder (by step number; half-written ones are passed
/// over): its path in a, or NULL when there is none. Local.
enum err checkpoint_newest(const char *run_folder, struct arena *a, char **path,
                           uint64_t *step) MUST_CHECK;
/// Keeps the newest `keep` >= 1 committed checkpoints, removes older ones and the litter of failed
/// attempts. Called by rank 0 after a commit. Local.
enum err checkpoint_prune(const char *run_folder, uint64_t keep) MUST_CHECK;
