namespace PcieOe.Transport.Policies.NestedQos;

/// <summary>The tenants that wait for something, ordered by start tag; equal ones by number, so that a run repeats exactly.</summary>
internal sealed class TenantHeap(NestedQosTenant[] tenants)
{
    private readonly int[] _heap = new int[tenants.Length];
    private int _count;

    internal int First => _heap[0];

    internal void Add(int tenant)
    {
        int at = _count++;
        while (at > 0 && IsBefore(tenant, _heap[(at - 1) / 2]))
        {
            _heap[at] = _heap[(at - 1) / 2];
            at = (at - 1) / 2;
        }

        _heap[at] = tenant;
    }

    internal void RemoveFirst()
    {
        _count--;
        if (_count > 0)
        {
            Sink(_heap[_count]);
        }
    }

    /// <summary>The first one's tag has grown: finds it its new place.</summary>
    internal void SinkFirst() => Sink(_heap[0]);

    private void Sink(int tenant)
    {
        int at = 0;
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

            _heap[at] = _heap[child];
            at = child;
        }

        _heap[at] = tenant;
    }

    private bool IsBefore(int left, int right)
    {
        double difference = tenants[left].VirtualStart - tenants[right].VirtualStart;
        return difference < 0 || (difference == 0 && left < right);
    }
}
