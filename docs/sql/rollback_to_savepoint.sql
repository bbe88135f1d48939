rollback to savepoint sq_enqueue;
