typedef int shard_module; // until the first real file of this folder lands
