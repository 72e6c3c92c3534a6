using PcieOe.Host.Interop;

namespace PcieOe.Host.FrontEnds.VfioUser.Memory;

/// <summary>A client's mappings. A number stands for one while the worker is asked to put it into the window; after that its range does.</summary>
internal sealed class DmaMappings : IDisposable
{
    /// <summary>What is announced as max_dma_maps. A process has 65530 mappings by default, and other functions need some too.</summary>
    public const int Maximum = 4096;

    /// <summary>Of those that keep a descriptor open.</summary>
    public const int MaximumFiles = 64;

    private readonly DmaMapping?[] _asked = new DmaMapping?[Maximum];
    private readonly Dictionary<(ulong Address, ulong Length), DmaMapping> _mapped = [];
    private int _count;
    private int _files;
    private int _lastNumber;

    public ulong MappedBytes { get; private set; }

    public int Count => _count;

    /// <summary>Whether one more may come; else the error to answer.</summary>
    public bool HasRoomFor(bool isFile, out int error)
    {
        error = _count == Maximum || (isFile && _files == MaximumFiles) ? Errno.NoSpace : Errno.None;
        return error == Errno.None;
    }

    /// <summary>Takes a mapping that the worker is about to be asked for, and gives it a number.</summary>
    public int Add(DmaMapping mapping)
    {
        do
        {
            _lastNumber = (_lastNumber + 1) % Maximum;
        }
        while (_asked[_lastNumber] is not null);
        _asked[_lastNumber] = mapping;
        _count++;
        _files += mapping.HasFile ? 1 : 0;
        return _lastNumber;
    }

    /// <summary>The worker's answer to it.</summary>
    public void OnMapped(int number, bool succeeded)
    {
        DmaMapping mapping = _asked[number]!;
        _asked[number] = null;
        if (succeeded)
        {
            _mapped.Add((mapping.Address, mapping.Length), mapping);
            MappedBytes += mapping.Length;
        }
        else
        {
            Forget(mapping);
        }
    }

    /// <summary>The worker has taken a range out of the window.</summary>
    public void OnUnmapped(ulong address, ulong length)
    {
        if (_mapped.Remove((address, length), out DmaMapping? mapping))
        {
            MappedBytes -= length;
            Forget(mapping);
        }
    }

    /// <summary>The worker has emptied the window.</summary>
    public void OnAllUnmapped()
    {
        foreach (DmaMapping mapping in _mapped.Values)
        {
            Forget(mapping);
        }

        _mapped.Clear();
        MappedBytes = 0;
    }

    /// <summary>When nothing points to any of them any more.</summary>
    public void Dispose()
    {
        OnAllUnmapped();
        foreach (DmaMapping? mapping in _asked)
        {
            mapping?.Dispose();
        }
    }

    private void Forget(DmaMapping mapping)
    {
        _count--;
        _files -= mapping.HasFile ? 1 : 0;
        mapping.Dispose();
    }
}
