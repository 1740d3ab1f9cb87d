"""Durable messages: at least once across the death of either node, and handled once.

A message with the header `durable` is on its sender's disk before it goes anywhere, and stays there until its
receiver's node says that it has been handled and that what its turn sent is on the disk too. Start at
`post.py`, with the section of `messaging/DESIGN.md` beside it.

    header.py            what is written into such a message                              pure
    outbox.py            what nobody has handled yet, in order: a queue for each talk     pure
    inbox.py             what is in hands here, and what was handled                      pure
    sending.py           what is sent, and what must wait behind it                       any thread
    holds.py             what is said together, and waits for the disk                    any thread
    pump.py              from there to the disk, in groups, and on                        event loop
    dispatch.py          from the outbox to the router, when it may go                    event loop
    reception.py         what has come, and what was not taken                            event loop
    reports.py           what two nodes tell one another about it                         event loop
    correspondence.py    what comes of that here                                          event loop
    store.py             the two tables                                                   SQL
"""
