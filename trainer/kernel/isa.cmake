# One source file per instruction set, each with its own flags; chosen at run time (kernel/isa.h).
