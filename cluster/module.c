typedef int cluster_module; // until the first real file of this folder lands
