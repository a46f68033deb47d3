// Frames: what is encoded decodes to itself; every prefix asks for more; every flipped bit, wrong
// state, type or length is refused.

#include "datad/protocol.h"

#include "tests/check.h"

static struct protocol_message make_hello(void)
{
    struct protocol_message m = {.type = PROTOCOL_HELLO, .sequence = 7};
    m.hello = (struct protocol_hello){.stream = {SPLIT_VALIDATION, 1024, UINT64_MAX},
                                      .shape = {1024, 8, 1U << 20, 77, UINT64_C(1) << 50},
                                      .arrays = "tokens,mask",
                                      .n_rows = UINT64_C(1) << 51};
    return m;
}

static struct protocol_message make_welcome(void)
{
    struct protocol_message m = {.type = PROTOCOL_WELCOME};
    m.welcome.stream = (struct stream_info){{1, 2}, {3, 4}, 50257, 50256, 1000, 1000000};
    m.welcome.n_slots = CLIENT_WINDOW;
    m.welcome.prefetch = 9;
    CHECK_OK(batch_layout_build(&(struct batch_shape){.T = 1024, .lane_rows = 8, .step_lanes = 4},
                                "", &m.welcome.layout));
    return m;
}

static struct protocol_message make_request(void)
{
    struct protocol_message m = {.type = PROTOCOL_REQUEST, .sequence = UINT64_C(1) << 40};
    m.request = (struct protocol_request){UINT64_C(1) << 50, 1023, CLIENT_WINDOW - 1, 12345};
    return m;
}

static struct protocol_message make_error(void)
{
    struct protocol_message m = {.type = PROTOCOL_ERROR};
    m.error.err = ERR_CORRUPT;
    snprintf(m.error.line, sizeof m.error.line, "shard 3: frame 7 is damaged");
    return m;
}

static void check_same(const struct protocol_message *a, const struct protocol_message *b)
{
    uint8_t x[PROTOCOL_FRAME_LIMIT], y[PROTOCOL_FRAME_LIMIT];
    const size_t n = protocol_encode(a, x);
    CHECK_EQ(protocol_encode(b, y), n);
    CHECK(memcmp(x, y, n) == 0);
    CHECK_EQ(a->type, b->type);
    CHECK(a->sequence == b->sequence);
}

static void check_message(const struct protocol_message *m, unsigned states)
{
    uint8_t frame[PROTOCOL_FRAME_LIMIT + 1];
    const size_t n = protocol_encode(m, frame);
    for (unsigned state = PROTOCOL_DATAD_NEW; state <= PROTOCOL_CLIENT_READY; state *= 2) {
        struct protocol_message out;
        size_t n_used;
        if (!(states & state)) {
            CHECK_ERR(protocol_decode(state, frame, n, &out, &n_used), ERR_DATA);
            continue;
        }
        for (size_t part = 0; part < n; part++) {
            CHECK_OK(protocol_decode(state, frame, part, &out, &n_used));
            CHECK_EQ(n_used, 0);
        }
        CHECK_OK(protocol_decode(state, frame, n + 1, &out, &n_used));
        CHECK_EQ(n_used, n);
        check_same(m, &out);
        for (size_t bit = 0; bit < 8 * n; bit++) {
            frame[bit / 8] ^= (uint8_t)(1U << bit % 8);
            CHECK_ERR(protocol_decode(state, frame, n, &out, &n_used), ERR_DATA);
            frame[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
    }
}

/// A frame whose sums are right but whose fields are not.
static void check_refused(const struct protocol_message *m, enum protocol_state state,
                          const char *line)
{
    uint8_t frame[PROTOCOL_FRAME_LIMIT];
    struct protocol_message out;
    size_t n_used;
    const size_t n = protocol_encode(m, frame);
    CHECK_ERR(protocol_decode(state, frame, n, &out, &n_used), ERR_DATA);
    CHECK_LINE(line);
}

static void check_fields(void)
{
    struct protocol_message m = make_hello();
    m.hello.stream.split = SPLIT_N;
    check_refused(&m, PROTOCOL_DATAD_NEW, "hello: split 2");
    m = make_hello();
    memset(m.hello.arrays, 'x', sizeof m.hello.arrays);
    check_refused(&m, PROTOCOL_DATAD_NEW, "hello: a list of arrays without an end");
    m = make_request();
    m.request.slot = CLIENT_WINDOW;
    check_refused(&m, PROTOCOL_DATAD_READY, "request: slot 64, sequence 1099511627776");
    m = make_request();
    m.sequence = 0;
    check_refused(&m, PROTOCOL_DATAD_READY, "request: slot 63, sequence 0");
    m = make_error();
    m.error.err = ERR_N;
    check_refused(&m, PROTOCOL_CLIENT_READY, "error message with code 13");
    m = make_welcome();
    m.welcome.n_slots = 1U << 20;
    check_refused(&m, PROTOCOL_CLIENT_NEW, "welcome: 1048576 slots of 164864 bytes");
    m = make_welcome();
    m.welcome.layout.fields[4].capacity = UINT64_MAX / 2;
    check_refused(&m, PROTOCOL_CLIENT_NEW, "welcome: array document_start is not inside its slot");
    m = make_welcome();
    m.welcome.layout.fields[4].capacity++;
    check_refused(&m, PROTOCOL_CLIENT_NEW, "welcome: array document_start is not inside its slot");
    m = make_welcome();
    m.welcome.layout.fields[1].offset = 0;
    check_refused(&m, PROTOCOL_CLIENT_NEW, "welcome: array targets is not inside its slot");
    m = make_welcome();
    m.welcome.layout.fields[0].offset += 4;
    check_refused(&m, PROTOCOL_CLIENT_NEW, "welcome: array tokens is not inside its slot");
    m = make_welcome();
    memset(m.welcome.layout.fields[0].name, 'x', sizeof m.welcome.layout.fields[0].name);
    check_refused(&m, PROTOCOL_CLIENT_NEW, "welcome: an array without a name or with dtype 0");
    m = make_welcome();
    m.welcome.layout.slot_bytes = UINT64_MAX / BATCH_ALIGN_BYTES * BATCH_ALIGN_BYTES;
    check_refused(&m, PROTOCOL_CLIENT_NEW, "welcome: 64 slots of 18446744073709551552 bytes");
}

static void check_batch_header(void)
{
    struct batch_header h = {.step = 1,
                             .lane = 2,
                             .loss_tokens = 3,
                             .step_loss_tokens = 4,
                             .err = ERR_DATA},
                        out;
    uint8_t data[BATCH_HEADER_BYTES];
    h.counts[15] = 5;
    snprintf(h.line, sizeof h.line, "cause");
    batch_header_encode(&h, data);
    CHECK_OK(batch_header_decode(data, &out));
    CHECK(out.step == 1 && out.lane == 2 && out.loss_tokens == 3 && out.step_loss_tokens == 4);
    CHECK(out.err == ERR_DATA && out.counts[15] == 5);
    CHECK_TEXT(out.line, "cause");
    data[100] ^= 1;
    CHECK_ERR(batch_header_decode(data, &out), ERR_CORRUPT);
}

int main(void)
{
    const struct protocol_message hello = make_hello(), welcome = make_welcome();
    const struct protocol_message request = make_request(), error = make_error();
    check_message(&hello, PROTOCOL_DATAD_NEW);
    check_message(&welcome, PROTOCOL_CLIENT_NEW);
    check_message(&request, PROTOCOL_DATAD_READY);
    check_message(&error, PROTOCOL_CLIENT_NEW | PROTOCOL_CLIENT_READY);
    check_fields();
    check_batch_header();
    return 0;
}
