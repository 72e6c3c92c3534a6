namespace PcieOe.FlashEndpoint.Controller;

/// <summary>The namespaces of a controller and where on the medium they lie. Changed by admin commands alone, so it may allocate.</summary>
internal sealed class NamespaceTable
{
    /// <summary>Namespaces start at multiples of this, so that both block sizes fit.</summary>
    public const int AlignmentBytes = 4096;

    private readonly Namespace?[] _namespaces;
    private readonly string _serialNumber;
    private readonly long _capacityBytes;
    private uint _created;

    public NamespaceTable(NvmeOptions options, long capacityBytes)
    {
        _namespaces = new Namespace?[options.MaximumNamespaces];
        _serialNumber = options.SerialNumber;
        _capacityBytes = capacityBytes / AlignmentBytes * AlignmentBytes;
        if (options.Namespaces.Count == 0)
        {
            Place(1, 0, _capacityBytes, 9);
        }

        long offset = 0;
        for (int i = 0; i < options.Namespaces.Count; i++)
        {
            Place((uint)i + 1, offset, options.Namespaces[i].SizeBytes, options.Namespaces[i].BlockBytes == 512 ? 9 : 12);
            offset += options.Namespaces[i].SizeBytes;
        }
    }

    /// <summary>NN.</summary>
    public uint MaximumId => (uint)_namespaces.Length;

    public long CapacityBytes => _capacityBytes;

    public long UnallocatedBytes
    {
        get
        {
            long free = _capacityBytes;
            foreach (Namespace? item in _namespaces)
            {
                free -= item?.SizeBytes ?? 0;
            }

            return free;
        }
    }

    /// <summary>Null: not allocated, or no such identifier.</summary>
    public Namespace? Find(uint id)
    {
        uint index = id - 1;
        return index < (uint)_namespaces.Length ? _namespaces[index] : null;
    }

    /// <summary>The allocated namespace with the lowest identifier above <paramref name="id"/>.</summary>
    public Namespace? NextAfter(uint id)
    {
        for (uint index = id; index < (uint)_namespaces.Length; index++)
        {
            if (_namespaces[index] is { } item)
            {
                return item;
            }
        }

        return null;
    }

    /// <summary>The lowest identifier that is free; 0 for none.</summary>
    public uint FreeId => (uint)(Array.IndexOf(_namespaces, null) + 1);

    /// <summary>Allocates a namespace, not attached. Null: the medium has no such range left in one piece.</summary>
    public Namespace? TryCreate(long sizeBytes, int blockShift)
    {
        uint id = FreeId;
        long size = (sizeBytes + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes;
        if (id == 0 || !TryFindRange(size, out long offset))
        {
            return null;
        }

        Namespace created = Place(id, offset, sizeBytes, blockShift);
        created.IsAttached = false;
        created.IsNew = true;
        return created;
    }

    public void Delete(Namespace item) => _namespaces[item.Id - 1] = null;

    private Namespace Place(uint id, long offset, long size, int blockShift)
    {
        var item = new Namespace(id, offset, size, blockShift, UniqueIds.ForNamespace(_serialNumber, id, _created++));
        _namespaces[id - 1] = item;
        return item;
    }

    // First fit: tries the start of the medium and the end of every namespace.
    private bool TryFindRange(long size, out long offset)
    {
        offset = 0;
        if (IsFree(offset, size))
        {
            return true;
        }

        long best = long.MaxValue;
        foreach (Namespace? item in _namespaces)
        {
            if (item is not null)
            {
                long end = (item.OffsetBytes + item.SizeBytes + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes;
                if (end < best && IsFree(end, size))
                {
                    best = end;
                }
            }
        }

        offset = best;
        return best != long.MaxValue;
    }

    private bool IsFree(long offset, long size)
    {
        if (size > _capacityBytes - offset)
        {
            return false;
        }

        foreach (Namespace? item in _namespaces)
        {
            if (item is not null && item.OffsetBytes < offset + size && offset < item.OffsetBytes + item.SizeBytes)
            {
                return false;
            }
        }

        return true;
    }
}
