select date_trunc('hour', b.at) as hour, b.kind, count(*) as n, max(b.loaded_at) as hi
from {{ source('staging', 'bench') }} b
{% if is_incremental() %}
where b.loaded_at > (select coalesce(max(hi), '-infinity') from {{ this }})
{% endif %}
group by 1, 2
