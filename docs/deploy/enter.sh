#!/bin/sh
# Found a cluster or join it, once, and run the node: what a container does.
#
#   NODE_ID          name of the node, and of its pod or service
#   HOST             name at which other nodes and clients reach it
#   FOUNDER          the node that makes the cluster; all others join
#   SEED             host:port of a node that is there, to join through
#   JOIN_TOKEN_FILE  file with a join token, from `caxton-node token`
set -eu

if [ ! -e "$CAXTON_DATA_DIR/certs/node.crt" ]; then
    if [ "$NODE_ID" = "$FOUNDER" ]; then
        caxton-node init --node-id "$NODE_ID" --host "$HOST" --host localhost
    else
        caxton-node join "$SEED" --node-id "$NODE_ID" --host "$HOST" --host localhost --token "$(cat "$JOIN_TOKEN_FILE")" --no-run
    fi
fi
exec caxton-node run
