#pragma once
// A connection with its socket, as the server keeps it.

#include <stdint.h>

#include "datad/connection.h"

struct peer {
    int fd;                 // -1 = none
    long pid;               // of the client
    uint64_t owed_since_ns; // 0 = owes nothing
    struct connection connection;
};
