namespace PcieOe.FlashEndpoint.Controller;

/// <summary>The namespaces of a controller and where on the medium they lie. Changed by admin commands alone, so it may allocate.</summary>
internal sealed class NamespaceTable
{
    /// <summary>Namespaces start at multiples of this, so that both block sizes fit.</summary>
    public const int AlignmentBytes = 4096;

    private readonly Namespace?[] _namespaces;
    private readonly string _serialNumber;

    public NamespaceTable(NvmeOptions options, long capacityBytes)
    {
        _namespaces = new Namespace?[options.MaximumNamespaces];
        _serialNumber = options.SerialNumber;
        CapacityBytes = (capacityBytes - options.ReservedBytes) / AlignmentBytes * AlignmentBytes;
    }

    /// <summary>The namespaces as configured.</summary>
    public void Configure(IReadOnlyList<NamespaceOptions> namespaces)
    {
        if (namespaces.Count == 0)
        {
            Place(1, 0, CapacityBytes, 9, Created++);
        }

        long offset = 0;
        for (int i = 0; i < namespaces.Count; i++)
        {
            Place((uint)i + 1, offset, namespaces[i].SizeBytes, namespaces[i].BlockBytes == 512 ? 9 : 12, Created++);
            offset += namespaces[i].SizeBytes;
        }
    }

    /// <summary>Namespaces ever created.</summary>
    public uint Created { get; set; }

    /// <summary>NN.</summary>
    public uint MaximumId => (uint)_namespaces.Length;

    public long CapacityBytes { get; }

    public long UnallocatedBytes
    {
        get
        {
            long free = CapacityBytes;
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

        Namespace created = Place(id, offset, sizeBytes, blockShift, Created++);
        created.IsAttached = false;
        created.IsNew = true;
        return created;
    }

    /// <summary>Frees a namespace. Commands that still know it see that it is attached no longer.</summary>
    public void Delete(Namespace item)
    {
        item.IsAttached = false;
        _namespaces[item.Id - 1] = null;
    }

    /// <summary>Puts a namespace where it was; false: it does not fit in.</summary>
    public bool TryRestore(uint id, long offset, long size, int blockShift, uint generation, bool isAttached)
    {
        if (id == 0 || id > MaximumId || Find(id) is not null || offset < 0 || size <= 0 || !IsFree(offset, size))
        {
            return false;
        }

        Place(id, offset, size, blockShift, generation).IsAttached = isAttached;
        return true;
    }

    private Namespace Place(uint id, long offset, long size, int blockShift, uint generation)
    {
        var item = new Namespace(id, offset, size, blockShift, generation, UniqueIds.ForNamespace(_serialNumber, id, generation));
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
        if (size > CapacityBytes - offset)
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
