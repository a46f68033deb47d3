typedef int trainer_module; // until the first real file of this folder lands
