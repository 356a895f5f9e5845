-- description: A project that is twice in the seed would double its engagements.
select d.project_id
from engagement.dim_project d
group by 1
having count(*) > 1
