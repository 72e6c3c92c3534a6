namespace PcieOe.Host.FrontEnds.Nbd;

/// <summary>Serves an attachment's namespaces by NBD. Attachments that give one address share a server.</summary>
internal sealed record NbdOptions
{
    public required NbdAddress Address { get; init; }

    /// <summary>The export's name; null: the attachment's. Namespaces after the first have their number behind it: NAME/2.</summary>
    public string? Export { get; init; }

    public bool IsReadOnly { get; init; }
}
