typedef int datad_module; // until the first real file of this folder lands
