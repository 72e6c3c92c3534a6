namespace PcieOe.Transport.Policies.NestedQos;

/// <summary>
/// Tenants that wait for a turn, served fairly by weight (start-time fair queueing): a heap by start tag; equal ones by number, so that a
/// run repeats exactly.
/// </summary>
/// <param name="weights">Of each tenant.</param>
internal sealed class FairQueue(double[] weights)
{
    private const int Absent = -1;

    private readonly double[] _startTags = new double[weights.Length];
    private readonly int[] _heap = new int[weights.Length];
    private readonly int[] _places = NoPlaces(weights.Length);
    private int _count;
    private double _virtualTime;

    /// <summary>Whose turn it is. While not empty.</summary>
    internal int First => _heap[0];

    internal bool IsEmpty => _count == 0;

    /// <summary>The tenant takes part, if it did not; time that it did not take part in is not made up for.</summary>
    internal void Add(int tenant)
    {
        if (_places[tenant] == Absent)
        {
            _startTags[tenant] = Math.Max(_startTags[tenant], _virtualTime);
            Rise(_count++, tenant);
        }
    }

    /// <summary>The tenant does not take part, if it did.</summary>
    internal void Remove(int tenant)
    {
        int at = _places[tenant];
        if (at == Absent)
        {
            return;
        }

        _places[tenant] = Absent;
        int last = _heap[--_count];
        if (at < _count)
        {
            Rise(at, last);
            Sink(_places[last], last);
        }
    }

    /// <summary>The first one is served, and takes its place behind those whose turn comes before its next.</summary>
    internal void ServeFirst(int units)
    {
        int tenant = _heap[0];
        _virtualTime = _startTags[tenant];
        _startTags[tenant] += units / weights[tenant];
        Sink(0, tenant);
    }

    /// <summary>A tenant that does not take part is served while none does.</summary>
    internal void ServeAlone(int tenant, int units)
    {
        _virtualTime = Math.Max(_startTags[tenant], _virtualTime);
        _startTags[tenant] = _virtualTime + units / weights[tenant];
    }

    private static int[] NoPlaces(int count)
    {
        int[] places = new int[count];
        Array.Fill(places, Absent);
        return places;
    }

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
        _places[tenant] = at;
    }

    private bool IsBefore(int left, int right)
    {
        double difference = _startTags[left] - _startTags[right];
        return difference < 0 || (difference == 0 && left < right);
    }
}
