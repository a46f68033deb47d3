// The command table: one line a command. A command is command_<name>.c in the folder that it serves.

#include <stdio.h>
#include <string.h>

#include "base/cli.h"
#include "base/err.h"

#define COMMAND_TABLE(X)

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    fprintf(stderr, "weft: no command yet\n");
    return 64;
}
