-- min_program: 1
--
-- Snapshots remember since when the newest extract holds that they have taken:
-- an older one is refused, whether it changed anything or not.
set local role millrace_owner;
alter table millrace.model add column effective_through timestamp;
reset role;
