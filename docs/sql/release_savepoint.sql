release savepoint sq_enqueue;
