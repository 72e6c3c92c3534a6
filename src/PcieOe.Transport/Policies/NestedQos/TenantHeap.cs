namespace PcieOe.Transport.Policies.NestedQos;

/// <summary>The tenants that may start something, ordered by start tag; equal ones by number, so that a run repeats exactly.</summary>
internal sealed class TenantHeap(NestedQosTenant[] tenants)
{
    internal const int Absent = -1;

    private readonly int[] _heap = new int[tenants.Length];
    private int _count;

    internal int First => _heap[0];

    internal bool IsEmpty => _count == 0;

    /// <summary>Adds a tenant that is not there.</summary>
    internal void Add(int tenant) => Rise(_count++, tenant);

    /// <summary>Removes a tenant if it is there.</summary>
    internal void Remove(int tenant)
    {
        int at = tenants[tenant].HeapIndex;
        if (at == Absent)
        {
            return;
        }

        tenants[tenant].HeapIndex = Absent;
        int last = _heap[--_count];
        if (at < _count)
        {
            Rise(at, last);
            Sink(tenants[last].HeapIndex, last);
        }
    }

    /// <summary>The first one's tag has grown: finds it its new place.</summary>
    internal void SinkFirst() => Sink(0, _heap[0]);

    private void Rise(int at, int tenant)
    {
        while (at > 0 && IsBefore(tenant, _heap[(at - 1) / 2]))
        {
            Place(at, _heap[(at - 1) / 2]);
            at = (at - 1) / 2;
        }

        Place(at, tenant);
    }

    private void Sink(int at, int tenant)
    {
        while (true)
        {
            int child = 2 * at + 1;
            if (child >= _count)
            {
                break;
            }

            if (child + 1 < _count && IsBefore(_heap[child + 1], _heap[child]))
            {
                child++;
            }

            if (!IsBefore(_heap[child], tenant))
            {
                break;
            }

            Place(at, _heap[child]);
            at = child;
        }

        Place(at, tenant);
    }

    private void Place(int at, int tenant)
    {
        _heap[at] = tenant;
        tenants[tenant].HeapIndex = at;
    }

    private bool IsBefore(int left, int right)
    {
        double difference = tenants[left].VirtualStart - tenants[right].VirtualStart;
        return difference < 0 || (difference == 0 && left < right);
    }
}
