using System.Runtime.InteropServices;
using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.NvmeDriver;

/// <summary>Finds the controller's active namespaces: the list of their identifiers, then each in turn.</summary>
internal sealed class NamespaceScan
{
    private const int MaximumNamespaces = 128;
    private const int ListEntries = 1024;

    private readonly List<uint> _identifiers = [];
    private readonly List<NamespaceInfo> _found = [];
    private int _index;

    /// <summary>Identifiers that are left to be asked about.</summary>
    public bool HasNext => _index < _identifiers.Count;

    /// <summary>The next one to be asked about.</summary>
    public uint Next => _identifiers[_index];

    /// <summary>Begins anew with the active namespace list.</summary>
    public void OnList(ReadOnlySpan<byte> page)
    {
        _identifiers.Clear();
        _found.Clear();
        _index = 0;
        foreach (uint identifier in MemoryMarshal.Cast<byte, uint>(page)[..ListEntries])
        {
            if (identifier == 0 || _identifiers.Count == MaximumNamespaces)
            {
                break;
            }

            _identifiers.Add(identifier);
        }
    }

    /// <summary>Takes what is said of the next one. One without blocks is of no use.</summary>
    public void OnNamespace(in IdentifyNamespace data)
    {
        if (data.BlockBytes != 0 && data.SizeBlocks != 0)
        {
            _found.Add(new NamespaceInfo(Next, data.BlockBytes, data.SizeBlocks));
        }

        _index++;
    }

    public NamespaceInfo[] ToArray() => [.. _found];
}
