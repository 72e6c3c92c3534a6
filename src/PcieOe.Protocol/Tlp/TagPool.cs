namespace PcieOe.Protocol.Tlp;

/// <summary>
/// The tags of one requester (PCIe base spec. 2.2.6.2). A tag comes back only after its request has really ended: in the order of their
/// release, so that the one just used rests longest; and where late completions are possible (timeout), after a quarantine.
/// Bounded by the number of tags; nothing allocates after construction.
/// </summary>
public sealed class TagPool
{
    private readonly TagState[] _states;
    private readonly ushort[] _free;
    private readonly ushort[] _quarantined;
    private readonly long[] _quarantineEnds;
    private readonly int _firstTag;
    private readonly long _quarantineNanoseconds;
    private int _freeHead;
    private int _freeCount;
    private int _quarantineHead;
    private int _quarantineCount;

    /// <param name="tagBits">
    /// 5, 8 or 10. With 10, the tags whose bits 9:8 are 00 are left out: a completer that knows 8 bits only would return them too (2.2.6.2).
    /// </param>
    /// <param name="quarantineNanoseconds">How long a tag rests after <see cref="Quarantine"/>: until no late completion can come any more.</param>
    public TagPool(int tagBits, long quarantineNanoseconds)
    {
        if (tagBits is not (5 or 8 or 10))
        {
            throw new ArgumentOutOfRangeException(nameof(tagBits), tagBits, "Tags have 5, 8 or 10 bits.");
        }

        ArgumentOutOfRangeException.ThrowIfNegative(quarantineNanoseconds);
        _quarantineNanoseconds = quarantineNanoseconds;
        _firstTag = tagBits == 10 ? 256 : 0;
        Capacity = (1 << tagBits) - _firstTag;
        TagLimit = 1 << tagBits;
        _states = new TagState[TagLimit];
        _free = new ushort[Capacity];
        _quarantined = new ushort[Capacity];
        _quarantineEnds = new long[Capacity];
        Clear();
    }

    private enum TagState : byte
    {
        Free,
        InUse,
        Quarantined,
    }

    /// <summary>How many tags there are.</summary>
    public int Capacity { get; }

    /// <summary>All tags are below this: the size of a table with a place for each.</summary>
    public int TagLimit { get; }

    public int FreeCount => _freeCount;

    public int InUseCount => Capacity - _freeCount - _quarantineCount;

    /// <summary>When the next tag leaves quarantine; <see cref="long.MaxValue"/> if none is there.</summary>
    public long NextDeadline => _quarantineCount == 0 ? long.MaxValue : _quarantineEnds[_quarantineHead];

    public bool IsInUse(ushort tag) => tag < _states.Length && _states[tag] == TagState.InUse;

    /// <summary>True if a completion with this tag is a late one, of a request given up earlier.</summary>
    public bool IsQuarantined(ushort tag) => tag < _states.Length && _states[tag] == TagState.Quarantined;

    public bool TryAllocate(out ushort tag)
    {
        if (_freeCount == 0)
        {
            tag = 0;
            return false;
        }

        tag = _free[_freeHead];
        _freeHead = Next(_freeHead);
        _freeCount--;
        _states[tag] = TagState.InUse;
        return true;
    }

    /// <summary>The request has ended with its last completion: nothing more can come.</summary>
    public void Release(ushort tag)
    {
        RequireInUse(tag);
        PutFree(tag);
    }

    /// <summary>The request was given up: completions may still come.</summary>
    public void Quarantine(ushort tag, long now)
    {
        RequireInUse(tag);
        _states[tag] = TagState.Quarantined;
        int tail = Wrap(_quarantineHead + _quarantineCount++);
        _quarantined[tail] = tag;
        _quarantineEnds[tail] = now + _quarantineNanoseconds;
    }

    /// <summary>Frees the tags whose quarantine has ended.</summary>
    public void OnTimer(long now)
    {
        while (_quarantineCount > 0 && _quarantineEnds[_quarantineHead] <= now)
        {
            PutFree(_quarantined[_quarantineHead]);
            _quarantineHead = Next(_quarantineHead);
            _quarantineCount--;
        }
    }

    /// <summary>All tags are free at once: for a new session, whose lane carries no completion of the old one.</summary>
    public void Clear()
    {
        Array.Clear(_states);
        _freeHead = _quarantineHead = _quarantineCount = 0;
        _freeCount = Capacity;
        for (int index = 0; index < Capacity; index++)
        {
            _free[index] = (ushort)(_firstTag + index);
        }
    }

    private void PutFree(ushort tag)
    {
        _states[tag] = TagState.Free;
        _free[Wrap(_freeHead + _freeCount++)] = tag;
    }

    private void RequireInUse(ushort tag)
    {
        if (!IsInUse(tag))
        {
            throw new InvalidOperationException($"Tag {tag} is not in use.");
        }
    }

    private int Next(int index) => Wrap(index + 1);

    private int Wrap(int index) => index >= Capacity ? index - Capacity : index;
}
