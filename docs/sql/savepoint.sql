savepoint sq_enqueue;
