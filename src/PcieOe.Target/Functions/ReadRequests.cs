using PcieOe.Protocol.Tlp;

namespace PcieOe.Target.Functions;

/// <summary>The read requests of a function that are out, each under its tag, and in a list by age, so that the oldest times out first.</summary>
internal sealed class ReadRequests
{
    public const int NoTag = -1;

    private readonly TagPool _tags;
    private readonly ReadRequest[] _requests;
    private int _newest = NoTag;

    public ReadRequests(int tagBits, long quarantineNanoseconds)
    {
        _tags = new TagPool(tagBits, quarantineNanoseconds);
        _requests = new ReadRequest[_tags.TagLimit];
    }

    /// <summary>The tag of the one that has been out for longest; <see cref="NoTag"/> if none is.</summary>
    public int Oldest { get; private set; } = NoTag;

    public int Count => _tags.InUseCount;

    public bool HasFreeTag => _tags.FreeCount > 0;

    public long OldestDeadline => Oldest == NoTag ? long.MaxValue : _requests[Oldest].Deadline;

    /// <summary>When a tag leaves quarantine.</summary>
    public long NextFreeTagAt => _tags.NextDeadline;

    public ref ReadRequest this[int tag] => ref _requests[tag];

    public bool IsOut(ushort tag) => _tags.IsInUse(tag);

    /// <summary>Its request was given up, and its answer may still come.</summary>
    public bool IsQuarantined(ushort tag) => _tags.IsQuarantined(tag);

    /// <summary>A new request, to be filled in by the caller; false if no tag is free.</summary>
    public bool TryAdd(out ushort tag)
    {
        if (!_tags.TryAllocate(out tag))
        {
            return false;
        }

        ref ReadRequest entry = ref _requests[tag];
        entry.Older = _newest;
        entry.Newer = NoTag;
        if (_newest == NoTag)
        {
            Oldest = tag;
        }
        else
        {
            _requests[_newest].Newer = tag;
        }

        _newest = tag;
        return true;
    }

    /// <param name="mayStillBeAnswered">The tag must rest before it names another request.</param>
    public void Remove(ushort tag, bool mayStillBeAnswered, long laneNow)
    {
        (int older, int newer) = (_requests[tag].Older, _requests[tag].Newer);
        if (older == NoTag)
        {
            Oldest = newer;
        }
        else
        {
            _requests[older].Newer = newer;
        }

        if (newer == NoTag)
        {
            _newest = older;
        }
        else
        {
            _requests[newer].Older = older;
        }

        if (mayStillBeAnswered)
        {
            _tags.Quarantine(tag, laneNow);
        }
        else
        {
            _tags.Release(tag);
        }
    }

    /// <summary>Frees the tags that have rested for long enough.</summary>
    public void OnTimer(long laneNow) => _tags.OnTimer(laneNow);

    public void Clear()
    {
        _tags.Clear();
        Oldest = _newest = NoTag;
    }
}

/// <summary>One request that is out.</summary>
internal struct ReadRequest
{
    /// <summary>The read that it is a part of.</summary>
    public int Read;

    /// <summary>Where in the read its data begins, bytes.</summary>
    public int Offset;
    public RoutingId RequesterId;
    public ReadReassembly Reassembly;

    /// <summary>Lane time.</summary>
    public long Deadline;

    /// <summary>Tags of its neighbours in <see cref="ReadRequests"/>' list.</summary>
    internal int Older;
    internal int Newer;
}
