DROP VIEW permissions_effective_groups;
DROP VIEW permissions_effective;
