-- Agents that run here because a deployment of the cluster places them here, and modules that are kept for it.

-- available or consistent: a replica of the deployment of this name; empty: deployed on this node by somebody.
ALTER TABLE agents ADD COLUMN deployment TEXT NOT NULL DEFAULT '';
-- 1: kept although no agent here may use it, since a deployment may need it here or on another node.
ALTER TABLE modules ADD COLUMN is_held INTEGER NOT NULL DEFAULT 0;
