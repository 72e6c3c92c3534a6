using PcieOe.Protocol.Tlp;

namespace PcieOe.Host.RootComplex;

/// <summary>What a non-posted request of the root complex was for.</summary>
internal enum RequestKind : byte
{
    None,

    /// <summary>The argument is the offset in configuration space.</summary>
    ConfigRead,

    /// <summary>The argument is the offset in configuration space.</summary>
    ConfigWrite,

    /// <summary>The argument is a slot of <see cref="RegionReads"/>.</summary>
    RegionRead,

    /// <summary>Given up, but its completion may still come: until then its tag names nothing else.</summary>
    Abandoned,
}

/// <summary>A non-posted request on its way.</summary>
internal struct PendingRequest
{
    public RequestKind Kind;
    public int Argument;

    /// <summary>A configuration write: its one completion carries no data.</summary>
    public bool IsWrite;
    public long Deadline;
    public ReadReassembly Reassembly;
}

/// <summary>
/// The non-posted requests that wait for their completions, by tag. A tag is used again only when its last completion has come, or after a
/// reset, or in a new session: the lane delivers everything in the end, so no time is long enough to be sure (an outage may last minutes). A function
/// that never answers so runs out of tags, and its reads are answered without it.
/// </summary>
internal sealed class PendingRequests
{
    private const int TagBits = 8;

    private readonly TagPool _tags = new(TagBits, quarantineNanoseconds: 0);
    private readonly PendingRequest[] _requests;
    private long _nextDeadline = long.MaxValue;

    public PendingRequests() => _requests = new PendingRequest[_tags.TagLimit];

    public bool HasTag => _tags.FreeCount > 0;

    /// <summary>Tags that a client may still take: some are kept for setting the function up, however many of its requests go unanswered.</summary>
    public int FreeForClient => Math.Max(0, _tags.FreeCount - Enumeration.MaximumOutstanding);

    /// <summary>Not later than the earliest deadline.</summary>
    public long NextDeadline => _nextDeadline;

    /// <param name="deadline"><see cref="long.MaxValue"/> if somebody else keeps the time.</param>
    public bool TryBegin(RequestKind kind, int argument, ulong address, int length, long deadline, out ushort tag)
    {
        if (!_tags.TryAllocate(out tag))
        {
            return false;
        }

        _requests[tag] = new PendingRequest
        {
            Kind = kind,
            Argument = argument,
            IsWrite = kind == RequestKind.ConfigWrite,
            Deadline = deadline,
            Reassembly = new ReadReassembly(address, length),
        };
        _nextDeadline = Math.Min(_nextDeadline, deadline);
        return true;
    }

    /// <summary>The request with this tag; the caller has seen that it <see cref="IsPending"/>.</summary>
    public ref PendingRequest this[ushort tag] => ref _requests[tag];

    public bool IsPending(ushort tag) => _tags.IsInUse(tag);

    /// <summary>The request has ended with its last completion.</summary>
    public void End(ushort tag)
    {
        _requests[tag] = default;
        _tags.Release(tag);
    }

    public void Abandon(ushort tag)
    {
        _requests[tag].Kind = RequestKind.Abandoned;
        _requests[tag].Deadline = long.MaxValue;
    }

    /// <summary>Takes one request whose deadline has come, and abandons it.</summary>
    public bool TryExpire(long now, out PendingRequest expired)
    {
        expired = default;
        if (_nextDeadline > now)
        {
            return false;
        }

        long earliest = long.MaxValue;
        for (int tag = 0; tag < _requests.Length; tag++)
        {
            ref PendingRequest request = ref _requests[tag];
            if (request.Kind is RequestKind.None or RequestKind.Abandoned)
            {
                continue;
            }

            if (request.Deadline <= now)
            {
                expired = request;
                Abandon((ushort)tag);
                return true;
            }

            earliest = Math.Min(earliest, request.Deadline);
        }

        _nextDeadline = earliest;
        return false;
    }

    /// <summary>Gives every configuration request up.</summary>
    public void AbandonConfigRequests()
    {
        for (int tag = 0; tag < _requests.Length; tag++)
        {
            if (_requests[tag].Kind is RequestKind.ConfigRead or RequestKind.ConfigWrite)
            {
                Abandon((ushort)tag);
            }
        }
    }

    /// <summary>The function was reset and has been heard of since: what it was asked before, it has answered or forgotten.</summary>
    public void ForgetAbandoned()
    {
        for (int tag = 0; tag < _requests.Length; tag++)
        {
            if (_requests[tag].Kind == RequestKind.Abandoned)
            {
                End((ushort)tag);
            }
        }
    }

    /// <summary>Time that nothing could be answered in does not count: every deadline that is set becomes <paramref name="deadline"/>.</summary>
    public void Extend(long deadline)
    {
        for (int tag = 0; tag < _requests.Length; tag++)
        {
            if (_requests[tag].Deadline != long.MaxValue)
            {
                _requests[tag].Deadline = deadline;
            }
        }
    }

    /// <summary>A new session: no completion of the old one can come any more.</summary>
    public void Clear()
    {
        _tags.Clear();
        Array.Clear(_requests);
        _nextDeadline = long.MaxValue;
    }
}
