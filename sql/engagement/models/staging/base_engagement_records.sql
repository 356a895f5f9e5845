-- config:
--   materialized: incremental
--   strategy: append
--   unique_key: [raw_md5]
--   lookups: [engagement.number_words, engagement.categories]
--   tags: [every_6_hours]
-- description: One row per distinct record of the client's files, cast and cleaned.
--   What cannot be cleaned is NULL, and unclean holds its raw text.
-- tests:
--   - unique: [raw_md5]
with

-- every field of a record, cleaned by its kind; NULL is what cannot be
cleaned as (

    select
        c.*,
        md5(array_to_string(array[
            s.project_id, s.engagement_id, s.customer_id,
            s.customer_name, s.engagement_date, s.revenue,
            s.revenue_usd, s.service, s.sub_service, s.engagement_type,
            s.employee_count, s.comments, s.project_ref,
            s.engagement_reference, s.client_revenue, s.service_type,
            s.detailed_sub_service
        ], E'\x1f', '')) as raw_md5
    from staging.engagement_metrics s
    cross join lateral (

        select
            max(c.clean) filter (where f.name = 'project_id') as project_id,
            max(c.clean) filter (where f.name = 'engagement_id') as engagement_id,
            max(c.clean) filter (where f.name = 'customer_id') as customer_id,
            max(c.clean) filter (where f.name = 'customer_name') as customer_name,
            max(c.clean) filter (where f.name = 'engagement_date') as engagement_date,
            max(c.clean) filter (where f.name = 'revenue') as revenue,
            max(c.clean) filter (where f.name = 'revenue_usd') as revenue_usd,
            max(c.clean) filter (where f.name = 'service') as service,
            max(c.clean) filter (where f.name = 'sub_service') as sub_service,
            max(c.clean) filter (where f.name = 'engagement_type') as engagement_type,
            max(c.clean) filter (where f.name = 'employee_count') as employee_count,
            max(c.clean) filter (where f.name = 'comments') as comments,
            max(c.clean) filter (where f.name = 'project_ref') as project_ref,
            max(c.clean) filter (where f.name = 'engagement_reference') as engagement_reference,
            max(c.clean) filter (where f.name = 'client_revenue') as client_revenue,
            max(c.clean) filter (where f.name = 'service_type') as service_type,
            max(c.clean) filter (where f.name = 'detailed_sub_service') as detailed_sub_service,
            count(c.clean)::int as filled,
            jsonb_object_agg(f.name, f.raw) filter (where c.clean is null and f.raw ~ '\S') as unclean
        from (values
            ('project_id', 'id', s.project_id),
            ('engagement_id', 'id', s.engagement_id),
            ('customer_id', 'customer', s.customer_id),
            ('customer_name', 'text', s.customer_name),
            ('engagement_date', 'date', s.engagement_date),
            ('revenue', 'money', s.revenue),
            ('revenue_usd', 'money', s.revenue_usd),
            ('service', 'service', s.service),
            ('sub_service', 'sub_service', s.sub_service),
            ('engagement_type', 'engagement_type', s.engagement_type),
            ('employee_count', 'count', s.employee_count),
            ('comments', 'text', s.comments),
            ('project_ref', 'id', s.project_ref),
            ('engagement_reference', 'id', s.engagement_reference),
            ('client_revenue', 'money', s.client_revenue),
            ('service_type', 'service', s.service_type),
            ('detailed_sub_service', 'sub_service', s.detailed_sub_service)
        ) f (name, kind, raw)
        cross join lateral (

            -- `offset 0` here and below: computed once, not wherever it is used
            select
                regexp_replace(f.raw, '^\s+|\s+$', '', 'g') as trimmed,
                lower(regexp_replace(f.raw, '\s', '', 'g')) as dense,
                lower(regexp_replace(f.raw, '^\s+|\s+$', '', 'g')) as low
            offset 0

        ) t
        cross join lateral (

            -- a date in one of its spellings as year, month and day
            select case
                when t.dense ~ '^[0-9]{4}([-/.])[0-9]{1,2}\1[0-9]{1,2}$'
                    then regexp_split_to_array(t.dense, '[-/.]')::int[]
                when t.dense ~ '^[0-9]{1,2}/[0-9]{1,2}/([0-9]{4}|[0-9]{2})$'
                    then array[
                        split_part(t.dense, '/', 3)::int
                            + case when t.dense ~ '/[0-9]{2}$' then 2000 else 0 end,
                        split_part(t.dense, '/', 1)::int,
                        split_part(t.dense, '/', 2)::int
                    ]
                when t.dense ~ '^[0-9]{1,2}([-.])[0-9]{1,2}\1[0-9]{4}$'
                    then array[
                        right(t.dense, 4)::int,
                        split_part(translate(t.dense, '-', '.'), '.', 2)::int,
                        split_part(translate(t.dense, '-', '.'), '.', 1)::int
                    ]
            end as ymd
            where f.kind = 'date'

            union all

            select null
            where f.kind <> 'date'

        ) d
        cross join lateral (

            -- $1,234.50, 1358k, 1.5k USD
            select case when f.kind = 'money'
                then regexp_match(t.dense, '^\$?([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(\.[0-9]+)?(k?)(?:usd)?$')
            end as part
            offset 0

        ) m
        cross join lateral (

            select replace(m.part[1], ',', '')::numeric * case m.part[3] when 'k' then 1000 else 1 end
                + coalesce('0' || m.part[2], '0')::numeric * case m.part[3] when 'k' then 1000 else 1 end as amount
            offset 0

        ) a
        cross join lateral (

            -- two hundred and fifty-one as the seed writes it
            select case when f.kind = 'count'
                then regexp_replace(t.low, '(\s+and)?[\s-]+', ' ', 'g')
            end as words
            offset 0

        ) n
        cross join lateral (

            select case
                when f.kind = 'text' then nullif(t.trimmed, '')
                when f.kind = 'id' then
                    case when t.dense ~ '^[0-9]+$' then coalesce(nullif(ltrim(t.dense, '0'), ''), '0') end
                when f.kind = 'customer' then (
                    select 'customer_' || coalesce(nullif(ltrim(p.part[2], '0'), ''), '0')
                    from (select regexp_match(t.dense, '^([a-z]*)[^a-z0-9]*([0-9]+)$') as part offset 0) p
                    where p.part[1] in ('', 'customer')
                        or exists (
                            -- one letter is missing, wrong, too many, or two are swapped
                            select from generate_series(1, 9) i
                            where left(p.part[1], i - 1) = left('customer', i - 1)
                                and (substr(p.part[1], i + 1) in (substr('customer', i), substr('customer', i + 1))
                                    or substr(p.part[1], i) = substr('customer', i + 1)
                                    or substr(p.part[1], i) = reverse(substr('customer', i, 2)) || substr('customer', i + 2))
                        )
                )
                when f.kind = 'date' then
                    case when d.ymd[1] > 0 and d.ymd[2] between 1 and 12 and d.ymd[3] > 0 then
                        case when d.ymd[3] <= extract(day from make_date(d.ymd[1], d.ymd[2], 1) + interval '1 month - 1 day')
                            then make_date(d.ymd[1], d.ymd[2], d.ymd[3])::text
                        end
                    end
                when f.kind = 'money' then
                    case when a.amount = round(a.amount, 2) and a.amount < 10000000000
                        then round(a.amount, 2)::text
                    end
                when f.kind = 'count' then coalesce(
                    case when t.dense ~ '^([0-9]{1,9}|[0-9]{1,3}(,[0-9]{3}){1,2})$' then replace(t.dense, ',', '')::int::text end,
                    (
                        select jsonb_object_agg(w.words, w.number)
                        from engagement.number_words w
                    ) ->> n.words
                )
                else coalesce(
                    (
                        select jsonb_object_agg(k.kind || ' ' || lower(k.name), k.name)
                        from engagement.categories k
                    ) ->> (f.kind || ' ' || t.low),
                    (
                        -- one letter away from a category (Levenshtein < 2)
                        select k.name
                        from engagement.categories k
                        where k.kind = f.kind
                            and length(k.name) between length(t.low) - 1 and length(t.low) + 1
                            and exists (
                                select from generate_series(1, length(k.name) + 1) i
                                where left(t.low, i - 1) = left(lower(k.name), i - 1)
                                    and (substr(t.low, i + 1) in (substr(lower(k.name), i), substr(lower(k.name), i + 1))
                                        or substr(t.low, i) = substr(lower(k.name), i + 1))
                            )
                    )
                )
            end as clean
            offset 0

        ) c

    ) c
    where /*+ incremental(s.loaded_at) */ true

)

select
    c.project_id,
    c.engagement_id,
    c.customer_id,
    c.customer_name,
    c.engagement_date::date as engagement_date,
    c.revenue::numeric(12,2) as revenue,
    c.revenue_usd::numeric(12,2) as revenue_usd,
    c.service,
    c.sub_service,
    c.engagement_type,
    c.employee_count::int as employee_count,
    c.comments,
    c.project_ref,
    c.engagement_reference,
    c.client_revenue::numeric(12,2) as client_revenue,
    c.service_type,
    c.detailed_sub_service,
    c.filled,
    c.raw_md5,
    c.unclean
from cleaned c
