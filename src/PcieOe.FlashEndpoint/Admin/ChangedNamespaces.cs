namespace PcieOe.FlashEndpoint.Admin;

/// <summary>Which namespaces have changed since the host last looked (Changed Namespace List).</summary>
internal sealed class ChangedNamespaces
{
    private readonly SortedSet<uint> _ids = [];

    public void Add(uint id) => _ids.Add(id);

    /// <summary>Writes the list: ascending, then zeroes. The number of namespaces is bounded below what would overflow it.</summary>
    public void Write(Span<uint> destination)
    {
        destination.Clear();
        int i = 0;
        foreach (uint id in _ids)
        {
            destination[i++] = id;
        }
    }

    public void Clear() => _ids.Clear();
}
