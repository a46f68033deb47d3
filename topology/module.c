typedef int topology_module; // until the first real file of this folder lands
